//go:build e2e && linux

package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// An answer is what a Prometheus says to a query.
type answer struct {
	name string
	http.HandlerFunc
}

func says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	}
}

func vector(values ...string) http.HandlerFunc {
	var all []string
	for i, v := range values {
		all = append(all, fmt.Sprintf(`{"metric":{"i":"%d"},"value":[1,"%s"]}`, i, v))
	}
	return says(`{"status":"success","data":{"resultType":"vector","result":[` + strings.Join(all, ",") + `]}}`)
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, http.StatusText(code), code) }
}

// blindAnswers are those of which none is a number of requests. A redirect to a server
// that would say 0 is among them.
func blindAnswers(elsewhere string) []answer {
	return []answer{
		{"500", status(http.StatusInternalServerError)},
		{"an empty vector", vector()},
		{"NaN", vector("NaN")},
		{"+Inf", vector("+Inf")},
		{"two series", vector("1", "0")},
		{"no JSON", says("<html>")},
		{"an error", says(`{"status":"error","errorType":"execution","error":"query processing would load too many samples"}`)},
		{"a redirect to a page", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere, http.StatusFound) }},
		{"nothing, for long", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
	}
}

// sources answers in place of Prometheus: three replicas are wanted, and then it says what
// is no number. As many replicas stay.
func (f *faults) sources(ctx context.Context, t *testing.T) {
	page := httptest.NewServer(status(http.StatusNotFound))
	defer page.Close()
	var now atomic.Pointer[answer]
	var asked atomic.Int64
	now.Store(&answer{"3", vector("3")})
	source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		now.Load().ServeHTTP(w, r)
	}))
	defer func() {
		source.CloseClientConnections()
		source.Close()
	}()
	if err := f.mayBeAsked(ctx, source.URL); err != nil {
		t.Fatal(err)
	}
	replicas := f.scaledBy(ctx, t, source.URL)
	if err := await(ctx, 2*time.Minute, "three replicas", func() bool { return replicas() == 3 }); err != nil {
		t.Fatal(err)
	}
	for _, a := range blindAnswers(page.URL) {
		before := asked.Load()
		now.Store(&a)
		f.stays(ctx, t, a.name, replicas)
		if asked.Load() == before {
			t.Errorf("%s: nobody has asked", a.name)
		}
		now.Store(&answer{"3", vector("3")})
		if err := await(ctx, time.Minute, "three replicas after "+a.name, func() bool { return replicas() == 3 }); err != nil {
			t.Error(err)
		}
	}
	// What it says as a number is followed, or the above shows nothing.
	now.Store(&answer{"0", vector("0")})
	if err := await(ctx, time.Minute, "one replica", func() bool { return replicas() == 1 }); err != nil {
		t.Error(err)
	}
}

// mayBeAsked adds a server to those that services may have asked.
func (f *faults) mayBeAsked(ctx context.Context, server string) error {
	d, err := f.client.AppsV1().Deployments(flyballNamespace).Get(ctx, controllerName, metav1.GetOptions{})
	if err != nil {
		return err
	}
	args := d.Spec.Template.Spec.Containers[0].Args
	i := slices.IndexFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "--metric-servers=") })
	if i < 0 {
		return fmt.Errorf("%s names no metric servers: %q", controllerName, args)
	}
	args[i] += "," + server
	if _, err := f.client.AppsV1().Deployments(flyballNamespace).Update(ctx, d, metav1.UpdateOptions{}); err != nil {
		return err
	}
	return f.rolledOut(ctx, flyballNamespace, controllerName)
}

// stays wants three replicas for longer than the HPA's period and its window for scaling
// down, of 5 s each.
func (f *faults) stays(ctx context.Context, t *testing.T, during string, replicas func() int) {
	t.Helper()
	const takes = 14 * time.Second
	end := time.Now().Add(takes)
	err := await(ctx, takes+time.Second, during, func() bool {
		if n := replicas(); n != 3 && n >= 0 {
			t.Errorf("%s: %d replicas, want the 3 of before", during, n)
			return true
		}
		return !time.Now().Before(end)
	})
	if err != nil {
		t.Error(err)
	}
}

// scaledBy makes a service that is scaled by what a source says, and tells its replicas.
func (f *faults) scaledBy(ctx context.Context, t *testing.T, source string) (replicas func() int) {
	t.Helper()
	of := service{name: "fault-source", least: 1, most: 4, runtime: draining}
	manifest := strings.NewReplacer( // no password is sent there
		"http://prometheus-operated.cpaas-system.svc.cluster.local:9090", source, `
            authenticationRef:
              authModes: basic
              authenticationRef: {name: prom-basic-auth}`, "").Replace(of.manifest())
	if err := f.kubectl(ctx, manifest, "apply", "-f", "-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.kubectl(ctx, "", "delete", "inferenceservice", of.name, "-n", soakNamespace, "--wait=false"); err != nil {
			t.Error(err)
		}
	})
	name := of.name + "-predictor"
	err := await(ctx, time.Minute, "the ScaledObject", func() bool {
		return f.kubectl(ctx, "", "patch", "scaledobject", name, "-n", soakNamespace, "--type", "merge", "-p", `{"spec":{"pollingInterval":2}}`) == nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return func() int {
		d, err := f.client.AppsV1().Deployments(soakNamespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil || d.Spec.Replicas == nil {
			return -1
		}
		return int(*d.Spec.Replicas)
	}
}
