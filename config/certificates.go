package config

// A CertificateSecret is a Secret with a certificate, its key and the authority.
type CertificateSecret struct {
	Namespace, Name string
	Hosts           []string // DNS names of whoever shows it
}

// ControllerSecret is the controller's, for gateways and the API server, where it is installed
// in a namespace.
func ControllerSecret(namespace string) CertificateSecret {
	return CertificateSecret{namespace, Certificate, []string{Controller + "." + namespace + ".svc", DrainWebhook + "." + namespace + ".svc"}}
}

// ScalerSecret is the scaler's, for KEDA and for its own replicas. One authority signs it and
// KEDASecret.
func ScalerSecret(namespace string) CertificateSecret {
	scaler := Scaler + "." + namespace // as triggers name it
	return CertificateSecret{namespace, ScalerCertificate, []string{scaler, scaler + ".svc"}}
}

// KEDASecret is KEDA's, for the scaler, in the namespace of KEDA.
func KEDASecret(namespace string) CertificateSecret {
	return CertificateSecret{namespace, KEDACertificate, []string{KEDAName}}
}
