//go:build linux

package node

import (
	"context"
	"fmt"
	"time"

	authv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// token is a ServiceAccount token bound to the pod.
type token struct {
	value string
	renew time.Time
}

// tokenFiles are the token and, for the API server's own audience, the kubeconfig that uses it.
// A process of the lab cannot use the in-cluster configuration: its paths are absolute.
func (w *worker) tokenFiles(ctx context.Context, p *corev1.ServiceAccountTokenProjection) (payload, error) {
	t, err := w.token(ctx, p)
	if err != nil {
		return nil, err
	}
	files := payload{p.Path: {[]byte(t), 0o600}}
	if p.Audience == "" {
		config, err := w.kubeconfig(p.Path)
		if err != nil {
			return nil, err
		}
		files[kubeconfigFile] = file{config, 0o600}
	}
	return files, nil
}

// token is renewed after 80 % of its life, or a day, as the kubelet does.
func (w *worker) token(ctx context.Context, p *corev1.ServiceAccountTokenProjection) (string, error) {
	now := time.Now()
	if t, ok := w.tokens[p.Audience]; ok && now.Before(t.renew) {
		return t.value, nil
	}
	request := &authv1.TokenRequest{Spec: authv1.TokenRequestSpec{
		ExpirationSeconds: p.ExpirationSeconds,
		BoundObjectRef:    &authv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: w.pod.Name, UID: w.pod.UID},
	}}
	if p.Audience != "" {
		request.Spec.Audiences = []string{p.Audience}
	}
	account := w.pod.Spec.ServiceAccountName
	got, err := w.a.cfg.Client.CoreV1().ServiceAccounts(w.pod.Namespace).CreateToken(ctx, account, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("requesting a token of ServiceAccount %q: %w", account, err)
	}
	life := got.Status.ExpirationTimestamp.Sub(now)
	w.tokens[p.Audience] = token{got.Status.Token, now.Add(min(life*8/10, 24*time.Hour))}
	return got.Status.Token, nil
}

// kubeconfig names the token file relative to itself, so that it is the same in every container.
func (w *worker) kubeconfig(tokenFile string) ([]byte, error) {
	const name = "lab"
	c := clientcmdapi.NewConfig()
	c.Clusters[name] = &clientcmdapi.Cluster{Server: w.a.cfg.APIServer, CertificateAuthorityData: w.a.cfg.CA}
	c.AuthInfos[name] = &clientcmdapi.AuthInfo{TokenFile: tokenFile}
	c.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name, Namespace: w.pod.Namespace}
	c.CurrentContext = name
	return clientcmd.Write(*c)
}
