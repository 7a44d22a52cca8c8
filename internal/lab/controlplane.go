//go:build linux

package lab

import (
	"context"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"github.com/flyball-dev/flyball/internal/lab/proc"
)

// component is one process of the control plane.
type component struct {
	name, readyPath string
	port            int // preferred
	args            func(port int) []string
}

func (l *Lab) startControlPlane(ctx context.Context) error {
	if err := l.startEtcd(ctx); err != nil {
		return err
	}
	for _, c := range []component{
		{"kube-apiserver", "/readyz", 6443, l.apiserverArgs},
		{"kube-controller-manager", "/healthz", 10257, l.controllerManagerArgs},
		{"kube-scheduler", "/healthz", 10259, l.schedulerArgs},
	} {
		if err := l.startComponent(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func (l *Lab) startEtcd(ctx context.Context) error {
	client, err := freePort(l.host(), 2379)
	if err != nil {
		return err
	}
	peer, err := freePort(l.host(), 2380)
	if err != nil {
		return err
	}
	l.etcd = fmt.Sprintf("http://%s", net.JoinHostPort(l.host(), strconv.Itoa(client)))
	peerURL := fmt.Sprintf("http://%s", net.JoinHostPort(l.host(), strconv.Itoa(peer)))
	return l.run(ctx, "etcd", l.etcd+"/readyz", []string{
		"--name=lab", "--data-dir=" + l.path("etcd"), "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls=" + l.etcd, "--advertise-client-urls=" + l.etcd,
		"--listen-peer-urls=" + peerURL, "--initial-advertise-peer-urls=" + peerURL, "--initial-cluster=lab=" + peerURL,
	})
}

func (l *Lab) startComponent(ctx context.Context, c component) error {
	port, err := freePort(l.host(), c.port)
	if err != nil {
		return err
	}
	address := net.JoinHostPort(l.host(), strconv.Itoa(port))
	if c.name == "kube-apiserver" {
		l.server = "https://" + address
		if err := l.writeKubeconfigs(); err != nil {
			return err
		}
	}
	return l.run(ctx, c.name, "https://"+address+c.readyPath, c.args(port))
}

func (l *Lab) run(ctx context.Context, name, ready string, args []string) error {
	began := time.Now()
	err := l.start(ctx, proc.Spec{
		Name: name, Path: filepath.Join(l.cfg.Bin, name), Args: args, Env: l.environment(),
		Dir: l.cfg.Dir, Log: l.path("logs", name+".log"),
	}, ready)
	if err != nil {
		return err
	}
	l.say("%-24s ready after %.1fs", name, time.Since(began).Seconds())
	return nil
}

func (l *Lab) writeKubeconfigs() error {
	subjects := map[string]pkix.Name{
		l.path("kubeconfig"):                           {CommonName: "lab-admin", Organization: []string{"system:masters"}},
		l.path("pki", "controller-manager.kubeconfig"): {CommonName: "system:kube-controller-manager"},
		l.path("pki", "scheduler.kubeconfig"):          {CommonName: "system:kube-scheduler"},
	}
	for path, subject := range subjects {
		if _, err := l.pki.kubeconfig(path, l.server, subject); err != nil {
			return err
		}
	}
	return nil
}

// apiserverArgs authorizes by RBAC only: the node agent acts as the lab's
// administrator, so that the Node authorizer would have nobody to restrict.
func (l *Lab) apiserverArgs(port int) []string {
	p := l.pki.path
	return []string{
		"--bind-address=" + l.host(), "--advertise-address=" + l.host(), "--secure-port=" + strconv.Itoa(port),
		"--etcd-servers=" + l.etcd, "--endpoint-reconciler-type=none", "--authorization-mode=RBAC",
		"--service-cluster-ip-range=" + l.serviceRange(), "--allow-privileged=true",
		"--tls-cert-file=" + p("apiserver.crt"), "--tls-private-key-file=" + p("apiserver.key"),
		"--client-ca-file=" + p("ca.crt"),
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + p("sa.key"), "--service-account-signing-key-file=" + p("sa.key"),
		"--requestheader-client-ca-file=" + p("front-proxy-ca.crt"), "--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + p("front-proxy-client.crt"), "--proxy-client-key-file=" + p("front-proxy-client.key"),
		"--kubelet-preferred-address-types=InternalIP", "--profiling=false",
	}
}

func (l *Lab) controllerManagerArgs(port int) []string {
	config := l.path("pki", "controller-manager.kubeconfig")
	args := []string{
		"--kubeconfig=" + config, "--authentication-kubeconfig=" + config, "--authorization-kubeconfig=" + config,
		"--bind-address=" + l.host(), "--secure-port=" + strconv.Itoa(port), "--leader-elect=false",
		"--use-service-account-credentials=true", "--service-account-private-key-file=" + l.pki.path("sa.key"),
		"--root-ca-file=" + l.pki.path("ca.crt"), "--service-cluster-ip-range=" + l.serviceRange(),
		"--cert-dir=" + l.path("tmp"), "--profiling=false",
		// Pods have loopback addresses, which Endpoints and EndpointSlices may not hold: all that
		// their controllers could do is warn of it.
		"--controllers=*,-endpoints-controller,-endpointslice-controller,-endpointslice-mirroring-controller",
	}
	if l.cfg.HPASyncPeriod > 0 {
		args = append(args, "--horizontal-pod-autoscaler-sync-period="+l.cfg.HPASyncPeriod.String())
	}
	return args
}

func (l *Lab) schedulerArgs(port int) []string {
	config := l.path("pki", "scheduler.kubeconfig")
	return []string{
		"--kubeconfig=" + config, "--authentication-kubeconfig=" + config, "--authorization-kubeconfig=" + config,
		"--bind-address=" + l.host(), "--secure-port=" + strconv.Itoa(port), "--leader-elect=false",
		"--cert-dir=" + l.path("tmp"), "--profiling=false",
	}
}
