package config

// Where the controller is installed: its namespace, and the name that its Deployment, its
// ServiceAccount and its lease have, and its pods as the label app.
const (
	Namespace  = "flyball-system"
	Controller = "flyball-controller"

	// DrainWebhook is the Service behind which the controller's replicas are asked about
	// new pods.
	DrainWebhook = "flyball-drain-webhook"

	// Certificate is the Secret with the controller's certificate, and its authority.
	Certificate = "flyball-controller-tls"

	// Scaler is what KEDA asks: its Deployment, ServiceAccount, Service and lease.
	Scaler = "flyball-scaler"

	// ScalerCertificate is the Secret with its certificate, and the authority of KEDA's, and
	// KEDACertificate the one beside KEDA, by whose DNS name KEDAName the scaler knows it.
	ScalerCertificate = "flyball-scaler-tls"
	KEDACertificate   = "flyball-keda-tls"
	KEDAName          = "keda.flyball.dev"

	// Authentication is the ClusterTriggerAuthentication by which KEDA asks the scaler.
	Authentication = "flyball"
)
