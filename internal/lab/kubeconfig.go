//go:build linux

package lab

import (
	"crypto/x509/pkix"
	"fmt"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// kubeconfig writes a kubeconfig whose user is subject and returns its path.
func (p *pki) kubeconfig(path, server string, subject pkix.Name) (*api.Config, error) {
	issued, err := p.ca.Issue(subject)
	if err != nil {
		return nil, err
	}
	const name = "flyball-lab"
	cfg := api.NewConfig()
	cfg.Clusters[name] = &api.Cluster{Server: server, CertificateAuthorityData: p.ca.PEM}
	cfg.AuthInfos[name] = &api.AuthInfo{ClientCertificateData: issued.Certificate, ClientKeyData: issued.Key}
	cfg.Contexts[name] = &api.Context{Cluster: name, AuthInfo: name}
	cfg.CurrentContext = name
	if err := clientcmd.WriteToFile(*cfg, path); err != nil {
		return nil, fmt.Errorf("writing %s: %w", path, err)
	}
	return cfg, nil
}
