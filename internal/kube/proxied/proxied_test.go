package proxied

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/flyball-dev/flyball/internal/hint"
)

// answered is what an API server says for a pod's path.
type answered struct {
	code int
	text string
}

// cluster has pods whose proxy answers; without any it does not let them be listed.
func cluster(t *testing.T, pods []corev1.Pod, proxy map[string]answered) *rest.Config {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply := func(code int, of any) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			_ = json.NewEncoder(w).Encode(of)
		}
		const all = "/api/v1/namespaces/flyball-system/pods"
		switch {
		case r.Method != http.MethodGet:
			w.WriteHeader(http.StatusMethodNotAllowed)
		case r.URL.Path == all && r.URL.Query().Get("labelSelector") == "app=flyball-scaler" && pods != nil:
			reply(http.StatusOK, corev1.PodList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}, Items: pods})
		case r.URL.Path == all:
			reply(http.StatusForbidden, metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: "Failure", Code: 403, Reason: metav1.StatusReasonForbidden, Message: "pods is forbidden"})
		default:
			a := proxy[strings.TrimPrefix(r.URL.String(), all)]
			w.WriteHeader(a.code)
			_, _ = io.WriteString(w, a.text)
		}
	}))
	t.Cleanup(s.Close)
	return &rest.Config{Host: s.URL}
}

func pod(name, ip string, port int) corev1.Pod {
	p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "flyball-system", Name: name}}
	p.Spec.Containers = []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "keda", ContainerPort: 9443}, {Name: "metrics", ContainerPort: int32(port)}}}}
	p.Status.Phase, p.Status.PodIP = corev1.PodRunning, ip
	return p
}

func question() Question {
	return Question{Namespace: "flyball-system", App: "flyball-scaler", Port: "metrics", Path: "/v1/record", Values: url.Values{"service": {"demo/llama"}}}
}

// INV-1.
func TestAsk(t *testing.T) {
	local := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL) }))
	t.Cleanup(local.Close)
	address, ok := local.Listener.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatal(local.Listener.Addr())
	}
	const path = ":8080/proxy/v1/record?service=demo%2Fllama"
	gone := pod("gone", "10.0.0.9", 8080)
	gone.Status.Phase = corev1.PodFailed
	odd := pod("odd", "10.0.0.5", 8080)
	odd.Spec.Containers = nil
	got, err := Ask(t.Context(), cluster(t, []corev1.Pod{
		pod("a", "10.0.0.1", 8080), pod("b", "10.0.0.2", 8080), pod("c", "10.0.0.3", 8080), pod("d", "10.0.0.4", 8080),
		odd, gone, pod("local", address.IP.String(), address.Port),
	}, map[string]answered{
		"/a" + path: {http.StatusOK, "the record of a"},
		"/b" + path: {http.StatusNoContent, ""},
		"/c" + path: {http.StatusNotFound, "404 page not found\n"},
		"/d" + path: {http.StatusServiceUnavailable, `{"kind":"Status","message":"error trying to reach service: EOF"}`},
	}), question())
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, a := range got {
		line := a.Pod
		if a.Body != nil {
			text, err := io.ReadAll(a.Body)
			line += " tells " + string(text)
			if err := errors.Join(err, a.Body.Close()); err != nil {
				t.Error(err)
			}
		}
		if a.Err != nil {
			line += ": " + a.Err.Error()
		}
		lines = append(lines, line)
	}
	want := []string{
		"a tells the record of a", "b", "c: it does not serve /v1/record: it is of another version, or not told to",
		"d: 503 Service Unavailable: error trying to reach service: EOF", "odd: it has no port metrics",
		"local tells /v1/record?service=demo%2Fllama",
	}
	if text := strings.Join(lines, "\n"); text != strings.Join(want, "\n") {
		t.Errorf("Ask:\n%s\nwant\n%s", text, strings.Join(want, "\n"))
	}
	if _, err := Ask(t.Context(), cluster(t, []corev1.Pod{gone}, nil), question()); !errors.Is(err, ErrNoPods) {
		t.Errorf("where none runs: %v, want %v", err, ErrNoPods)
	}
}

// INV-2.
func TestForbidden(t *testing.T) {
	for what, config := range map[string]*rest.Config{
		"to list": cluster(t, nil, nil),
		"to read": cluster(t, []corev1.Pod{pod("a", "10.0.0.1", 8080), pod("b", "10.0.0.2", 8080)}, map[string]answered{
			"/a:8080/proxy/v1/record?service=demo%2Fllama": {http.StatusOK, "a"},
			"/b:8080/proxy/v1/record?service=demo%2Fllama": {http.StatusForbidden, `{"kind":"Status","message":"cannot get resource pods/proxy"}`},
		}),
	} {
		_, err := Ask(t.Context(), config, question())
		if err == nil || !strings.Contains(err.Error(), "forbidden") || len(hint.Of(err)) != 1 ||
			!strings.Contains(hint.Of(err)[0], "--resource=pods,pods/proxy") {
			t.Errorf("who may not %s: %v, hints %q", what, err, hint.Of(err))
		}
	}
}
