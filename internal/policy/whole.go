package policy

import (
	"encoding/json"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/internal/kserve"
)

// The whole of KServe's and KEDA's objects, where types.go has what the controller
// uses: a manifest is read strictly. What cannot matter to a simulation is left raw.

type wholeService struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Predictor   wholePredictor  `json:"predictor"`
		Transformer json.RawMessage `json:"transformer"`
		Explainer   json.RawMessage `json:"explainer"`
	} `json:"spec"`
	Status json.RawMessage `json:"status"`
}

type wholePredictor struct {
	corev1.PodSpec       `json:",inline"`
	Model                *wholeModel                `json:"model"`
	StorageUris          json.RawMessage            `json:"storageUris"`
	WorkerSpec           json.RawMessage            `json:"workerSpec"`
	MinReplicas          *int32                     `json:"minReplicas"`
	MaxReplicas          int32                      `json:"maxReplicas"`
	ScaleTarget          *int32                     `json:"scaleTarget"`
	ScaleMetric          *string                    `json:"scaleMetric"`
	ScaleMetricType      *string                    `json:"scaleMetricType"`
	AutoScaling          *wholeScaling              `json:"autoScaling"`
	ContainerConcurrency *int64                     `json:"containerConcurrency"`
	Timeout              *int64                     `json:"timeout"`
	CanaryTrafficPercent *int64                     `json:"canaryTrafficPercent"`
	Logger               json.RawMessage            `json:"logger"`
	Batcher              json.RawMessage            `json:"batcher"`
	Labels               map[string]string          `json:"labels"`
	Annotations          map[string]string          `json:"annotations"`
	DeploymentStrategy   *appsv1.DeploymentStrategy `json:"deploymentStrategy"`
}

type wholeScaling struct {
	Metrics  []wholeMetric                                  `json:"metrics"`
	Behavior *autoscalingv2.HorizontalPodAutoscalerBehavior `json:"behavior"`
}

type wholeMetric struct {
	kserve.Metric `json:",inline"`
	PodMetric     json.RawMessage `json:"podmetric"`
}

type wholeModel struct {
	corev1.Container `json:",inline"`
	ModelFormat      struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	} `json:"modelFormat"`
	Runtime         string          `json:"runtime"`
	RuntimeVersion  string          `json:"runtimeVersion"`
	ProtocolVersion string          `json:"protocolVersion"`
	StorageURI      string          `json:"storageUri"`
	Storage         json.RawMessage `json:"storage"`
}

type wholeRuntime struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Containers            []corev1.Container            `json:"containers"`
		Volumes               []corev1.Volume               `json:"volumes"`
		NodeSelector          map[string]string             `json:"nodeSelector"`
		Affinity              *corev1.Affinity              `json:"affinity"`
		Tolerations           []corev1.Toleration           `json:"tolerations"`
		Labels                map[string]string             `json:"labels"`
		Annotations           map[string]string             `json:"annotations"`
		ImagePullSecrets      []corev1.LocalObjectReference `json:"imagePullSecrets"`
		HostIPC               bool                          `json:"hostIPC"`
		SchedulerName         string                        `json:"schedulerName"`
		SupportedModelFormats []struct {
			Name       string `json:"name"`
			Version    string `json:"version"`
			AutoSelect bool   `json:"autoSelect"`
			Priority   int32  `json:"priority"`
		} `json:"supportedModelFormats"`
		MultiModel       bool            `json:"multiModel"`
		Disabled         bool            `json:"disabled"`
		ProtocolVersions []string        `json:"protocolVersions"`
		WorkerSpec       json.RawMessage `json:"workerSpec"`
		GRPCEndpoint     string          `json:"grpcEndpoint"`
		GRPCDataEndpoint string          `json:"grpcDataEndpoint"`
		HTTPDataEndpoint string          `json:"httpDataEndpoint"`
		Replicas         int             `json:"replicas"`
		StorageHelper    json.RawMessage `json:"storageHelper"`
		BuiltInAdapter   json.RawMessage `json:"builtInAdapter"`
	} `json:"spec"`
	Status json.RawMessage `json:"status"`
}

type wholeScaledObject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              wholeScaledSpec `json:"spec"`
	Status            json.RawMessage `json:"status,omitempty"`
}

type wholeScaledSpec struct {
	ScaleTargetRef struct {
		kserve.ScaleTarget     `json:",inline"`
		EnvSourceContainerName string `json:"envSourceContainerName"`
	} `json:"scaleTargetRef"`
	PollingInterval       *int32 `json:"pollingInterval"`
	InitialCooldownPeriod *int32 `json:"initialCooldownPeriod"`
	CooldownPeriod        *int32 `json:"cooldownPeriod"`
	IdleReplicaCount      *int32 `json:"idleReplicaCount"`
	MinReplicaCount       *int32 `json:"minReplicaCount"`
	MaxReplicaCount       *int32 `json:"maxReplicaCount"`
	Advanced              struct {
		HorizontalPodAutoscalerConfig struct {
			Behavior *autoscalingv2.HorizontalPodAutoscalerBehavior `json:"behavior"`
			Name     string                                         `json:"name"`
		} `json:"horizontalPodAutoscalerConfig"`
		RestoreToOriginalReplicaCount bool            `json:"restoreToOriginalReplicaCount"`
		ScalingModifiers              *wholeModifiers `json:"scalingModifiers"`
	} `json:"advanced"`
	Triggers []wholeTrigger   `json:"triggers"`
	Fallback *kserve.Fallback `json:"fallback"`
}

type wholeModifiers struct {
	Formula          string `json:"formula"`
	Target           string `json:"target"`
	ActivationTarget string `json:"activationTarget"`
	MetricType       string `json:"metricType"`
}

type wholeTrigger struct {
	Type              string            `json:"type"`
	Name              string            `json:"name"`
	Metadata          map[string]string `json:"metadata"`
	MetricType        string            `json:"metricType"`
	UseCachedMetrics  bool              `json:"useCachedMetrics"`
	AuthenticationRef *struct {
		Name string `json:"name"`
		Kind string `json:"kind"`
	} `json:"authenticationRef"`
}

type wholeAuthentication struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		SecretTargetRef          []wholeSecretRef `json:"secretTargetRef"`
		ConfigMapTargetRef       []wholeSecretRef `json:"configMapTargetRef"`
		Env                      json.RawMessage  `json:"env"`
		PodIdentity              json.RawMessage  `json:"podIdentity"`
		FilePath                 json.RawMessage  `json:"filePath"`
		HashiCorpVault           json.RawMessage  `json:"hashiCorpVault"`
		AzureKeyVault            json.RawMessage  `json:"azureKeyVault"`
		GCPSecretManager         json.RawMessage  `json:"gcpSecretManager"`
		AWSSecretManager         json.RawMessage  `json:"awsSecretManager"`
		BoundServiceAccountToken json.RawMessage  `json:"boundServiceAccountToken"`
		OAuth2                   json.RawMessage  `json:"oauth2"`
		AzureServicePrincipal    json.RawMessage  `json:"azureServicePrincipal"`
	} `json:"spec"`
	Status json.RawMessage `json:"status"`
}

type wholeSecretRef struct {
	Parameter string `json:"parameter"`
	Name      string `json:"name"`
	Key       string `json:"key"`
}

// wholeMonitor is a PodMonitor or a ServiceMonitor, of which the intervals are read.
type wholeMonitor struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Endpoints             []wholeEndpoint `json:"endpoints"`
		PodMetricsEndpoints   []wholeEndpoint `json:"podMetricsEndpoints"`
		JobLabel              json.RawMessage `json:"jobLabel"`
		TargetLabels          json.RawMessage `json:"targetLabels"`
		PodTargetLabels       json.RawMessage `json:"podTargetLabels"`
		Selector              json.RawMessage `json:"selector"`
		SelectorMechanism     json.RawMessage `json:"selectorMechanism"`
		NamespaceSelector     json.RawMessage `json:"namespaceSelector"`
		ScrapeProtocols       json.RawMessage `json:"scrapeProtocols"`
		ScrapeClass           json.RawMessage `json:"scrapeClass"`
		AttachMetadata        json.RawMessage `json:"attachMetadata"`
		SampleLimit           json.RawMessage `json:"sampleLimit"`
		TargetLimit           json.RawMessage `json:"targetLimit"`
		LabelLimit            json.RawMessage `json:"labelLimit"`
		LabelNameLengthLimit  json.RawMessage `json:"labelNameLengthLimit"`
		LabelValueLengthLimit json.RawMessage `json:"labelValueLengthLimit"`
		KeepDroppedTargets    json.RawMessage `json:"keepDroppedTargets"`
		BodySizeLimit         json.RawMessage `json:"bodySizeLimit"`
	} `json:"spec"`
	Status json.RawMessage `json:"status"`
}

type wholeEndpoint struct {
	Interval          string            `json:"interval"`
	MetricRelabelings []json.RawMessage `json:"metricRelabelings"`
	Relabelings       json.RawMessage   `json:"relabelings"`
	Port              json.RawMessage   `json:"port"`
	PortNumber        json.RawMessage   `json:"portNumber"`
	TargetPort        json.RawMessage   `json:"targetPort"`
	Path              json.RawMessage   `json:"path"`
	Scheme            json.RawMessage   `json:"scheme"`
	Params            json.RawMessage   `json:"params"`
	ScrapeTimeout     json.RawMessage   `json:"scrapeTimeout"`
	TLSConfig         json.RawMessage   `json:"tlsConfig"`
	BearerTokenSecret json.RawMessage   `json:"bearerTokenSecret"`
	BearerTokenFile   json.RawMessage   `json:"bearerTokenFile"`
	Authorization     json.RawMessage   `json:"authorization"`
	BasicAuth         json.RawMessage   `json:"basicAuth"`
	OAuth2            json.RawMessage   `json:"oauth2"`
	HonorLabels       json.RawMessage   `json:"honorLabels"`
	HonorTimestamps   json.RawMessage   `json:"honorTimestamps"`
	TrackStaleness    json.RawMessage   `json:"trackTimestampsStaleness"`
	ProxyURL          json.RawMessage   `json:"proxyUrl"`
	NoProxy           json.RawMessage   `json:"noProxy"`
	FollowRedirects   json.RawMessage   `json:"followRedirects"`
	EnableHTTP2       json.RawMessage   `json:"enableHttp2"`
	FilterRunning     json.RawMessage   `json:"filterRunning"`
}
