package recorded

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/cli/access"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/journal"
	"github.com/flyball-dev/flyball/internal/law"
	"github.com/flyball-dev/flyball/internal/law/reference"
	"github.com/flyball-dev/flyball/internal/record"
)

// led is the journal of a scaler that led for ten minutes from a time on and asked for n
// replicas of demo/llama. Its fourth minute was not recorded.
func led(t *testing.T, from time.Time, n int) *journal.Journal {
	t.Helper()
	j, err := journal.Open(journal.Config{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	p := decide.Policy{Law: reference.Static{N: n}, Bounds: law.Bounds{Min: 1, Max: 8}}
	state, desired := decide.State{}, 1
	for minute := range 10 {
		step := record.Step{Policy: p, State: state, Input: decide.Input{
			Now: time.Duration(from.Add(time.Duration(minute) * time.Minute).UnixNano()), Fleet: law.Fleet{Desired: desired, Ready: desired},
		}}
		state, step.Decision = decide.Step(p, state, step.Input)
		desired = step.Decision.Replicas
		switch minute {
		case 3:
			continue
		case 4:
			step.Missed = 1
		}
		if err := j.Append("demo/llama", step); err != nil {
			t.Fatal(err)
		}
	}
	return j
}

// cluster is the kubeconfig of one with scalers, by their pods' names. Who has no right to the
// proxy is told so.
func cluster(t *testing.T, scalers map[string]http.Handler) string {
	t.Helper()
	mux := http.NewServeMux()
	const pods = "/api/v1/namespaces/" + config.Namespace + "/pods"
	list := corev1.PodList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}}
	for name, scaler := range scalers {
		p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: config.Namespace, Name: name}}
		p.Spec.Containers = []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "metrics", ContainerPort: 8080}}}}
		p.Status.Phase, p.Status.PodIP = corev1.PodRunning, "10.0.0.1"
		list.Items = append(list.Items, p)
		mux.Handle(pods+"/"+name+":8080/proxy/", http.StripPrefix(pods+"/"+name+":8080/proxy", scaler))
	}
	mux.HandleFunc(pods, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(list)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	path := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u, namespace: demo}}]\n"+
		"clusters: [{name: c, cluster: {server: %q}}]\nusers: [{name: u, user: {token: t}}]\n", s.URL)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var six = time.Date(2026, 11, 29, 18, 0, 0, 0, time.UTC)

// INV-2: what two scalers have recorded is one record, and what it lacks is said.
func TestWhyLive(t *testing.T) {
	serving := func(j *journal.Journal) http.Handler {
		mux := http.NewServeMux()
		mux.Handle(journal.Path, j)
		return mux
	}
	kubeconfig := cluster(t, map[string]http.Handler{
		"scaler-a": serving(led(t, six, 3)), "scaler-b": serving(led(t, six.Add(10*time.Minute), 5)), "scaler-c": http.NotFoundHandler(),
	})
	const warned = "warning: what scaler-c has recorded is not known: it does not serve /v1/record: it is of another version, or not told to\n"
	for _, c := range []struct{ words, out, errOut string }{
		{"llama", "demo/llama at 2026-11-29T18:19:00Z\n\ndemo/llama stays at 5 replicas.\n", "warning: decisions on demo/llama before 2026-11-29T18:04:00Z that were not recorded: 1\n"},
		{"demo/llama --at 2026-11-29T18:05:30Z", "demo/llama at 2026-11-29T18:05:00Z\n\ndemo/llama stays at 3 replicas.\n", ""},
		{"llama -n demo --at 2026-11-29T18:10:00Z", "demo/llama at 2026-11-29T18:10:00Z\n\ndemo/llama scales up from 1 to 5 replicas.\n", ""},
	} {
		out, errOut, err := runs(append(strings.Fields("why "+c.words), "--kubeconfig", kubeconfig)...)
		if err != nil || !strings.HasPrefix(out, c.out) || !strings.HasPrefix(errOut, warned) || !strings.Contains(errOut, c.errOut) {
			t.Errorf("why %s: %v, stdout\n%s\nstderr\n%s", c.words, err, out, errOut)
		}
	}
	out, _, err := runs("why", "llama", "--changes", "--kubeconfig", kubeconfig)
	if err != nil || strings.Count(out, "\n") != 3 {
		t.Errorf("why --changes: %v\n%s, want two", err, out)
	}
	refuses(t, kubeconfig)
}

// INV-2, of what the live page is told.
func TestTell(t *testing.T) {
	serving := http.NewServeMux()
	serving.Handle(journal.Path, led(t, six, 3))
	c, err := access.Named{Kubeconfig: cluster(t, map[string]http.Handler{"scaler-a": serving, "scaler-c": http.NotFoundHandler()})}.Find()
	if err != nil {
		t.Fatal(err)
	}
	told, lacks, err := Tell(t.Context(), c, "demo/llama", six, six.Add(time.Hour))
	if err != nil || len(told.Changes) != 1 || told.Changes[0].Sentences[0] != "demo/llama scales up from 1 to 3 replicas." || told.Last == nil || told.Last.Replicas != 3 {
		t.Errorf("Tell = %+v, %v, want the scale-up, and that it stays at 3", told, err)
	}
	want := []string{
		"what scaler-c has recorded is not known: it does not serve /v1/record: it is of another version, or not told to",
		"decisions on demo/llama before 2026-11-29T18:04:00Z that were not recorded: 1",
	}
	if !slices.Equal(lacks, want) {
		t.Errorf("what is lacking: %q, want %q", lacks, want)
	}
	if _, _, err := Tell(t.Context(), c, "demo/none", six, six.Add(time.Hour)); err == nil || len(hint.Of(err)) == 0 {
		t.Errorf("of a service that is not there: %v, want an error with a hint", err)
	}
}

// refuses checks what a record of demo/llama has no answer to.
func refuses(t *testing.T, kubeconfig string) {
	t.Helper()
	for _, c := range []struct{ words, want, hint string }{
		{"llama --at 2026-11-29T17:00:00Z", "nothing had been decided by then, as far as the scalers' records go back", "flyball why demo/llama --changes"},
		{"none", "no scaler tells of a decision on demo/none", "--record DIR"},
		{"a/b/c", "is no service", "NAMESPACE/NAME"},
		{"demo/llama -n other", "demo/llama is not in the namespace other", "leave -n out"},
		{"", "which service?", "-n NAMESPACE"},
	} {
		out, _, err := runs(append(strings.Fields("why "+c.words), "--kubeconfig", kubeconfig)...)
		if out != "" || err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(strings.Join(hint.Of(err), " "), c.hint) {
			t.Errorf("why %s: %v, hints %q, %q, want %q", c.words, err, hint.Of(err), out, c.want)
		}
	}
}

// A service that no scaler knows is not there; who may not read is told which rights it takes.
func TestWhyLiveRefuses(t *testing.T) {
	_, _, err := runs("why", "none", "--kubeconfig", cluster(t, map[string]http.Handler{"scaler-a": led(t, six, 3)}))
	if err == nil || !strings.Contains(err.Error(), "no scaler has recorded a decision on demo/none") || !strings.Contains(strings.Join(hint.Of(err), " "), "kubectl get scaledobject,inferenceautoscaler -n demo") {
		t.Errorf("why none: %v, hints %q", err, hint.Of(err))
	}
	forbidden := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) })
	_, _, err = runs("why", "llama", "--kubeconfig", cluster(t, map[string]http.Handler{"scaler-a": forbidden}))
	if err == nil || errors.Is(err, terminal.ErrNo) || !strings.Contains(strings.Join(hint.Of(err), " "), "pods/proxy in flyball-system") {
		t.Errorf("why without the right: %v, hints %q", err, hint.Of(err))
	}
	_, _, err = runs("why", "llama", "--kubeconfig", cluster(t, nil))
	if err == nil || !strings.Contains(err.Error(), "no such pod runs") || len(hint.Of(err)) != 1 {
		t.Errorf("why without a scaler: %v, hints %q", err, hint.Of(err))
	}
}
