//go:build linux

package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/flyball-dev/flyball/internal/lab/proc"
)

// check is one attempt of a probe or hook. Exactly one of argv, http and port decides what it
// does; err is why it cannot be made at all.
type check struct {
	host string
	port int
	http *corev1.HTTPGetAction
	argv []string
	dir  string
	env  []string
	err  error
}

// runCheck makes the attempt within ctx; nil is success.
func runCheck(ctx context.Context, t check) error {
	switch {
	case t.err != nil:
		return t.err
	case len(t.argv) > 0:
		return t.exec(ctx)
	case t.http != nil:
		return t.get(ctx)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", t.address())
	if err != nil {
		return err
	}
	return conn.Close()
}

func (t check) address() string { return net.JoinHostPort(t.host, strconv.Itoa(t.port)) }

func (t check) exec(ctx context.Context) error {
	p, err := proc.Start(proc.Spec{Name: t.argv[0], Path: t.argv[0], Args: t.argv[1:], Env: t.env, Dir: t.dir})
	if err != nil {
		return err
	}
	select {
	case <-p.Done():
		return p.Err()
	case <-ctx.Done():
		p.Stop(0)
		return fmt.Errorf("command %q: %w", strings.Join(t.argv, " "), ctx.Err())
	}
}

// get succeeds with a status from 200 to 399. Certificates are not verified, and only redirects
// on the same host are followed, as by the kubelet.
func (t check) get(ctx context.Context) error {
	scheme := "http"
	if t.http.Scheme == corev1.URISchemeHTTPS {
		scheme = "https"
	}
	u, err := url.Parse(scheme + "://" + t.address() + "/" + strings.TrimPrefix(t.http.Path, "/"))
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "kube-probe/flyball")
	for _, h := range t.http.HTTPHeaders {
		req.Header.Set(h.Name, h.Value)
		if strings.EqualFold(h.Name, "Host") {
			req.Host = h.Value
		}
	}
	client := http.Client{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true},
		CheckRedirect: func(to *http.Request, via []*http.Request) error {
			if to.URL.Hostname() != via[0].URL.Hostname() || len(via) >= 10 {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 10<<10))
	if res.StatusCode < 200 || res.StatusCode >= 400 {
		return fmt.Errorf("HTTP probe failed with statuscode: %d", res.StatusCode)
	}
	return nil
}

// portOf finds a port by number or by the name it has in the container's spec.
func portOf(p intstr.IntOrString, c *corev1.Container) (int, error) {
	if p.Type == intstr.Int {
		return int(p.IntVal), nil
	}
	for _, named := range c.Ports {
		if named.Name == p.StrVal {
			return int(named.ContainerPort), nil
		}
	}
	if n, err := strconv.Atoi(p.StrVal); err == nil {
		return n, nil
	}
	return 0, errors.New("container " + c.Name + " has no port named " + strconv.Quote(p.StrVal))
}

// hostOf is where a host that a probe names lies: the pod's loopback is its own address.
func hostOf(v view, host string) string {
	mapped, _, err := net.SplitHostPort(v.value(host + ":0"))
	if err != nil {
		return host
	}
	return mapped
}
