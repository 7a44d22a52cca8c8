//go:build e2e

package kube

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/claim"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/kube/inbox"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

// testWakes: neither KEDA nor a gateway runs; the test reports what gateways would.
func testWakes(t *testing.T, a *apiServer, r *requests) {
	for name, test := range map[string]func(*testing.T, *apiServer, *requests){
		"raises and withdraws": testWakeAndWithdraw, "gateways that disagree, and one that dies": testGateways,
		"a restart in between": testRestart, "a second installation": testSecond, "a leader that is killed": testKilled, "sixty at once": testSixty, "takes no stranger's report": testStrangers,
	} {
		t.Run(name, func(t *testing.T) { test(t, a, r) })
	}
}

// token is one of a ServiceAccount of flyball-system, for an audience, bound to a pod if it
// has a name.
func (a *apiServer) token(t *testing.T, account, audience, pod string) string {
	t.Helper()
	sa := &corev1.ServiceAccount{}
	sa.Namespace, sa.Name = "flyball-system", account
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{audience}}}
	if pod != "" {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: sa.Namespace, Name: pod}, Spec: corev1.PodSpec{
			ServiceAccountName: account, AutomountServiceAccountToken: new(false), Containers: []corev1.Container{{Name: "gateway", Image: "flyball"}},
		}}
		err := a.Admin.Create(t.Context(), p)
		if apierrors.IsAlreadyExists(err) {
			err = a.Admin.Get(t.Context(), client.ObjectKeyFromObject(p), p)
		}
		if err != nil {
			t.Fatal(err)
		}
		request.Spec.BoundObjectRef = &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod, UID: p.UID}
	}
	if err := a.Admin.SubResource("token").Create(t.Context(), sa, request); err != nil {
		t.Fatal(err)
	}
	return request.Status.Token
}

// post returns the status; 0 where nobody listens.
func post(t *testing.T, to *requests, token string, r demand.Report) int {
	t.Helper()
	body, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+to.demand+inbox.Path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS13}}
	transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(to.authority)
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	return res.StatusCode
}

// A reporter is a gateway that repeats its report every second until it is stopped.
type reporter struct {
	name, token string
	to          *requests
	stop        func()

	mu   sync.Mutex
	last demand.Report
}

func (a *apiServer) reporter(t *testing.T, name string, r *requests) *reporter {
	t.Helper()
	g := &reporter{name: name, to: r, token: a.token(t, inbox.Account, inbox.Audience, name), last: demand.Report{Gateway: name}}
	end, ended := make(chan struct{}), make(chan struct{})
	g.stop = sync.OnceFunc(func() { close(end); <-ended })
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
				g.send(t)
			}
		}
	}()
	t.Cleanup(g.stop)
	return g
}

func (g *reporter) send(t *testing.T) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return post(t, g.to, g.token, g.last)
}

// holds reports at once.
func (g *reporter) holds(t *testing.T, held int, services ...*guided) {
	t.Helper()
	g.mu.Lock()
	g.last = demand.Report{Gateway: g.name}
	for _, s := range services {
		g.last.Services = append(g.last.Services, demand.Item{Namespace: s.key.Namespace, Name: s.key.Name, Work: demand.Work{Held: held}})
	}
	g.mu.Unlock()
	if got := g.send(t); got != http.StatusNoContent {
		t.Fatalf("POST = %d, want 204", got)
	}
}

// sleeper is a service with a minimum of 0.
func (a *apiServer) sleeper(t *testing.T, namespace string) *guided {
	t.Helper()
	s := a.service(t, namespace, "minReplicas: 1", "minReplicas: 0")
	s.eventuallyScaled()
	return s
}

func (s *guided) eventuallyRaised(want int) {
	s.t.Helper()
	kubetest.Eventually(s.t, s.key.Namespace+"'s raised minimum", want, func() int { return int(kserve.Raised(s.decoded())) })
}

// staysRaised watches for a time in which nothing may be withdrawn.
func (s *guided) staysRaised(want int, during time.Duration) {
	s.t.Helper()
	end := time.NewTimer(during)
	defer end.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if got := int(kserve.Raised(s.decoded())); got != want {
			s.t.Fatalf("%s's raised minimum = %d, want %d for %s", s.key.Namespace, got, want, during)
		}
		select {
		case <-end.C:
			return
		case <-tick.C:
		}
	}
}

func testWakeAndWithdraw(t *testing.T, a *apiServer, r *requests) {
	s := a.sleeper(t, "wake")
	g := a.reporter(t, "gateway-a", r)
	g.holds(t, 0, s) // the token is known from now on
	began := time.Now()
	g.holds(t, 2, s)
	s.eventuallyRaised(2)
	t.Logf("asked for after %s", time.Since(began).Round(time.Millisecond)) // looked for every 50 ms
	s.eventuallySays("Waking", "at least 2 of 8")
	g.holds(t, 5, s)
	s.eventuallyRaised(5)
	g.holds(t, 1, s)
	s.staysRaised(5, 2*time.Second)
	if so := s.decoded(); so.Spec.Fallback != nil || *so.Spec.MaxReplicaCount != 8 {
		t.Errorf("woken = %+v, want no fallback and the manifest's maximum", so.Spec)
	}
	kubetest.Eventually(t, "the note", 1, func() int {
		note, err := inbox.ReadSummary(t.Context(), a.Admin, time.Now())
		if err != nil || note == nil {
			return -1
		}
		return note.Of("wake", "llama").Held
	})
	g.holds(t, 0, s)
	s.staysRaised(5, demand.TTL-time.Second)
	s.eventuallyRaised(0)
	s.eventuallySays("WakeWithdrawn", "no request has been held")
	if so := s.decoded(); so.Annotations[kserve.ForceActivation] != "" || *so.Spec.MinReplicaCount != 0 {
		t.Errorf("after the wake = %v, minimum %d, want neither annotation nor minimum", so.Annotations, *so.Spec.MinReplicaCount)
	}
}

func testGateways(t *testing.T, a *apiServer, r *requests) {
	s := a.sleeper(t, "gateways")
	one, other := a.reporter(t, "gateway-a", r), a.reporter(t, "gateway-b", r)
	one.holds(t, 1, s)
	other.holds(t, 3, s)
	s.eventuallyRaised(4)
	one.holds(t, 0, s)
	s.staysRaised(4, demand.TTL+time.Second) // the other one still holds
	other.stop()                             // as if it were killed: it holds until its report expires
	s.staysRaised(4, demand.TTL)
	s.eventuallyRaised(0)
}

func testRestart(t *testing.T, a *apiServer, r *requests) {
	kept, ended := a.sleeper(t, "restart-kept"), a.sleeper(t, "restart-ended")
	g := a.reporter(t, "gateway-a", r)
	g.holds(t, 3, kept, ended)
	kept.eventuallyRaised(3)
	ended.eventuallyRaised(3)
	r.stop()
	g.mu.Lock()
	g.last.Services = g.last.Services[:1] // while no controller listens
	g.mu.Unlock()
	a.startController(t, r)
	kept.staysRaised(3, demand.TTL+2*time.Second)
	ended.eventuallyRaised(0)
	if got := int(kserve.Raised(kept.decoded())); got != 3 {
		t.Errorf("the raised minimum of what is held = %d, want 3", got)
	}
}

// testSecond: an installation that comes later, with whatever rights, changes nothing,
// says which is the first, and acts once that one is gone.
func testSecond(t *testing.T, a *apiServer, r *requests) {
	s := a.sleeper(t, "second")
	g := a.reporter(t, "gateway-a", r)
	g.holds(t, 3, s)
	s.eventuallyRaised(3)
	a.Namespace(t, "second-system")
	second := newRequests(t, Settings{})
	a.startControllerAs(t, second, rest.CopyConfig(a.Config), "second-system")
	defer func() { second.stop() }()
	before := s.scaledObject().GetResourceVersion()
	s.staysRaised(3, 2*demand.TTL) // the second one hears of nothing that is held
	if after := s.scaledObject().GetResourceVersion(); after != before {
		t.Errorf("resourceVersion = %s, want %s: nobody had a reason to write", after, before)
	}
	r.stop()
	a.service(t, "second-acts").eventuallyScaled() // by the second
	second.stop()
	second.stop = func() {}
	a.startController(t, r)
	s.eventuallyRaised(3) // as the gateway has reported all the time
}

// testKilled: while the lease of a dead leader lasts, the other replica raises what it hears
// of, and nothing else; it withdraws once it leads.
func testKilled(t *testing.T, a *apiServer, r *requests) {
	s := a.sleeper(t, "killed")
	r.stop()
	r.killed = true
	a.startController(t, r)
	g := a.reporter(t, "gateway-a", r)
	g.holds(t, 1, s)
	s.eventuallyRaised(1) // it leads
	g.holds(t, 0, s)
	s.eventuallyRaised(0)
	g.stop()
	other := newRequests(t, Settings{})
	a.startController(t, other)
	defer func() { other.stop() }()
	g = a.reporter(t, "gateway-a", other)
	kubetest.Eventually(t, "taken reports", http.StatusNoContent, func() int { return g.send(t) })
	kubetest.Eventually(t, "all watched by the other", true, func() bool {
		return other.Used("keda.sh/scaledobjects watch", "keda.sh/triggerauthentications watch")
	})
	holder := a.leader(t)
	r.stop()
	began := time.Now()
	g.holds(t, 2, s)
	s.eventuallyRaised(2)
	if took := time.Since(began); took > 3*time.Second || a.leader(t) != holder {
		t.Errorf("raised after %s, led by %s, want it within 3 s, before %s's lease ends", took, a.leader(t), holder)
	}
	g.holds(t, 0, s)
	kubetest.Eventually(t, "the leader", true, func() bool {
		if kserve.Raised(s.decoded()) == 0 && a.leader(t) == holder {
			t.Error("withdrawn by a replica that does not lead")
		}
		return a.leader(t) != holder
	})
	s.eventuallyRaised(0)
	other.stop()
	other.stop = func() {}
	r.killed = false
	a.startController(t, r)
}

// leader is who holds the lease of flyball-system.
func (a *apiServer) leader(t *testing.T) string {
	t.Helper()
	var l coordinationv1.Lease
	if err := a.Admin.Get(t.Context(), client.ObjectKey{Namespace: "flyball-system", Name: claim.Lease}, &l); err != nil {
		t.Fatal(err)
	}
	return *l.Spec.HolderIdentity
}

func testSixty(t *testing.T, a *apiServer, r *requests) {
	var all []*guided
	for i := range 60 {
		all = append(all, a.sleeper(t, fmt.Sprintf("sixty-%02d", i)))
	}
	g := a.reporter(t, "gateway-a", r)
	g.holds(t, 0, all...)
	began := time.Now()
	g.holds(t, 2, all...)
	kubetest.Eventually(t, "raised", 60, func() int {
		objects, err := cluster.ReadAll[kserve.ScaledObject](t.Context(), a.Admin, kserve.ScaledObjectKind, client.HasLabels{kserve.ServiceLabel})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for i := range objects {
			if kserve.Raised(&objects[i]) == 2 {
				n++
			}
		}
		return n
	})
	t.Logf("60 services asked for after %s", time.Since(began).Round(time.Millisecond))
	g.holds(t, 0, all...)
	for _, s := range all {
		s.eventuallyRaised(0)
	}
}

func testStrangers(t *testing.T, a *apiServer, r *requests) {
	s := a.sleeper(t, "strangers")
	report := demand.Report{Gateway: "x", Services: []demand.Item{{Namespace: s.key.Namespace, Name: s.key.Name, Work: demand.Work{Held: 1}}}}
	for name, tc := range map[string]struct {
		token string
		want  int
	}{
		"no token":         {"x", http.StatusUnauthorized},
		"another audience": {a.token(t, inbox.Account, "https://kubernetes.default.svc.cluster.local", "x"), http.StatusUnauthorized},
		"another account":  {a.token(t, "flyball-controller", inbox.Audience, "y"), http.StatusForbidden},
		"no pod's":         {a.token(t, inbox.Account, inbox.Audience, ""), http.StatusForbidden},
		"another pod's":    {a.token(t, inbox.Account, inbox.Audience, "z"), http.StatusForbidden},
	} {
		if got := post(t, r, tc.token, report); got != tc.want {
			t.Errorf("%s: POST = %d, want %d", name, got, tc.want)
		}
	}
	if got := kserve.Raised(s.decoded()); got != 0 {
		t.Errorf("raised minimum = %d, want 0", got)
	}
}
