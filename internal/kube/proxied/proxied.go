package proxied

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/flyball-dev/flyball/internal/hint"
)

const (
	patience = 15 * time.Second // until the API server lists pods, and until a pod begins to answer
	mostText = 1 << 10          // bytes of an error
)

// A Question is put to pods.
type Question struct {
	Namespace, App string // of the pods: the latter is their label app
	Port           string // by its name
	Path           string
	Values         url.Values
}

// An Answer is one pod's: what it tells, or why it does not. One that has nothing to tell has
// neither.
type Answer struct {
	Pod  string
	Body io.ReadCloser
	Err  error
}

// ErrNoPods is where there is nobody to ask.
var ErrNoPods = errors.New("no such pod runs")

// Ask puts a question to each pod. The bodies are the caller's to close.
func Ask(ctx context.Context, config *rest.Config, q Question) ([]Answer, error) {
	core, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	listing, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	pods, err := core.CoreV1().Pods(q.Namespace).List(listing, metav1.ListOptions{LabelSelector: "app=" + q.App})
	switch {
	case apierrors.IsForbidden(err):
		return nil, q.forbidden(err)
	case err != nil:
		return nil, fmt.Errorf("listing the pods of %s: %w", q.App, err)
	}
	asker, err := newAsker(config)
	if err != nil {
		return nil, err
	}
	var all []Answer
	for i := range pods.Items {
		pod := &pods.Items[i]
		if pod.Status.Phase != corev1.PodRunning {
			continue
		}
		body, err := asker.ask(ctx, pod, q)
		if errors.Is(err, errForbidden) {
			for _, a := range all {
				if a.Body != nil {
					a.Body.Close()
				}
			}
			return nil, q.forbidden(err)
		}
		all = append(all, Answer{pod.Name, body, err})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("asking %s in %s: %w", q.App, q.Namespace, ErrNoPods)
	}
	return all, nil
}

var errForbidden = errors.New("forbidden")

// forbidden says which rights a question takes.
func (q Question) forbidden(err error) error {
	return hint.With(fmt.Errorf("asking the pods of %s: %w", q.App, err),
		"it takes the rights to list pods and to get pods/proxy in %s; whoever may grant them: kubectl create role %s-reader -n %s --verb=get,list --resource=pods,pods/proxy",
		q.Namespace, q.App, q.Namespace)
}

// An asker reaches pods.
type asker struct {
	server         *url.URL // of the API
	through, plain *http.Client
}

func newAsker(config *rest.Config) (asker, error) {
	unbound := rest.CopyConfig(config)
	unbound.Timeout = 0 // a body takes as long as it is
	through, err := rest.HTTPClientFor(unbound)
	if err != nil {
		return asker{}, err
	}
	server, _, err := rest.DefaultServerUrlFor(unbound)
	return asker{server, through, &http.Client{Transport: &http.Transport{ResponseHeaderTimeout: patience}}}, err
}

func (a asker) ask(ctx context.Context, pod *corev1.Pod, q Question) (io.ReadCloser, error) {
	port, ok := portOf(pod, q.Port)
	if !ok {
		return nil, fmt.Errorf("it has no port %s", q.Port)
	}
	at, by := a.server.JoinPath("api/v1/namespaces", pod.Namespace, "pods", pod.Name+":"+port, "proxy", q.Path), a.through
	// The API server proxies to no such address (ResourceLocation in
	// k8s.io/kubernetes/pkg/registry/core/pod); pods that have one are on this machine: a lab's.
	if ip := net.ParseIP(pod.Status.PodIP); ip.IsLoopback() {
		at, by = &url.URL{Scheme: "http", Host: net.JoinHostPort(pod.Status.PodIP, port), Path: q.Path}, a.plain
	}
	at.RawQuery = q.Values.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	answer, err := by.Do(req)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode == http.StatusOK {
		return answer.Body, nil
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusNoContent:
		return nil, nil
	case http.StatusForbidden:
		return nil, fmt.Errorf("%w: %s", errForbidden, said(answer))
	case http.StatusNotFound:
		return nil, fmt.Errorf("it does not serve %s: it is of another version, or not told to", q.Path)
	}
	return nil, fmt.Errorf("%s: %s", answer.Status, said(answer))
}

// portOf is a port's number by its name.
func portOf(pod *corev1.Pod, name string) (string, bool) {
	for _, c := range pod.Spec.Containers {
		for _, p := range c.Ports {
			if p.Name == name {
				return strconv.Itoa(int(p.ContainerPort)), true
			}
		}
	}
	return "", false
}

// said is the error of the API server or of the pod.
func said(answer *http.Response) string {
	text, err := io.ReadAll(io.LimitReader(answer.Body, mostText))
	if err != nil {
		return err.Error()
	}
	var status metav1.Status
	if json.Unmarshal(text, &status) == nil && status.Message != "" {
		return status.Message
	}
	return strings.TrimSpace(string(text))
}
