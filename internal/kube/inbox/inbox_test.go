package inbox

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

// endpoint is one whose reviewer knows a few tokens by name, on a clock of the test's.
type endpoint struct {
	*Inbox
	clock   time.Time
	reviews int
	told    []demand.Service
}

func newEndpoint() *endpoint {
	e := &endpoint{clock: time.Unix(1_700_000_000, 0)}
	e.Inbox = New(Settings{Namespace: "flyball-system"}, nil, logr.Discard(), func() time.Time { return e.clock })
	e.review = func(_ context.Context, token string) (authenticationv1.TokenReviewStatus, error) {
		e.reviews++
		status := authenticationv1.TokenReviewStatus{Authenticated: true, Audiences: []string{Audience}}
		status.User.Username = "system:serviceaccount:flyball-system:flyball-gateway"
		status.User.Extra = map[string]authenticationv1.ExtraValue{podClaim: {"a"}}
		switch token {
		case "gateway":
		case "unbound":
			status.User.Extra = nil
		case "other":
			status.User.Username = "system:serviceaccount:demo:flyball-gateway"
		case "audience":
			status.Audiences = []string{"https://kubernetes.default.svc"}
		case "broken":
			return status, errors.New("connection refused")
		default:
			return authenticationv1.TokenReviewStatus{}, nil
		}
		return status, nil
	}
	e.Tell(func(key demand.Service) { e.told = append(e.told, key) })
	return e
}

func (e *endpoint) post(token, body string) *httptest.ResponseRecorder {
	return e.ask(http.MethodPost, Path, token, body)
}

func (e *endpoint) ask(method, path, token, body string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res := httptest.NewRecorder()
	e.ServeHTTP(res, req)
	return res
}

const threeHeld = `{"gateway":"a","services":[{"namespace":"demo","name":"llama","held":3,"heldTokens":900,"inFlight":2,"arrivals":4}]}`

// TestToldLate: who comes to be told after a report hears of what is held by then, once. A
// controller that has just started takes reports before its caches are filled.
func TestToldLate(t *testing.T) {
	e := newEndpoint()
	report := strings.Replace(threeHeld, "[{", `[{"namespace":"demo","name":"idle","inFlight":2},{`, 1)
	if res := e.post("gateway", report); res.Code != http.StatusNoContent {
		t.Fatalf("POST %s = %d, %s", report, res.Code, res.Body)
	}
	var told []demand.Service
	e.Tell(func(key demand.Service) { told = append(told, key) })
	e.post("gateway", report)
	if diff := cmp.Diff([]demand.Service{{Namespace: "demo", Name: "llama"}}, told); diff != "" {
		t.Errorf("told: -want +got\n%s", diff)
	}
}

// INV-5.
func TestStuckIsAnswered(t *testing.T) {
	e := newEndpoint()
	why := ""
	e.Judge(func(_ context.Context, s demand.Service) string { return why })
	if res := e.post("gateway", threeHeld); res.Code != http.StatusNoContent {
		t.Errorf("nothing to say: POST = %d %s, want 204", res.Code, res.Body)
	}
	why = "at zero, and refused"
	res := e.post("gateway", threeHeld)
	var got demand.Answer
	if err := json.Unmarshal(res.Body.Bytes(), &got); err != nil || res.Code != http.StatusOK {
		t.Fatalf("POST = %d %s, %v, want 200 and an answer", res.Code, res.Body, err)
	}
	if diff := cmp.Diff(demand.Answer{Stuck: []demand.Stuck{{Namespace: "demo", Name: "llama", Why: why}}}, got); diff != "" {
		t.Errorf("the answer: -want +got\n%s", diff)
	}
	if res := e.post("gateway", strings.Replace(threeHeld, `"held":3`, `"held":0`, 1)); res.Code != http.StatusNoContent {
		t.Errorf("nothing is held: POST = %d %s, want 204", res.Code, res.Body)
	}
}

// INV-6: of a service whose room is known each gateway that asks is told its part, with what it
// reports; of another service, and a gateway where requests wait by arrival, nothing.
func TestRoomIsAnswered(t *testing.T) {
	e := newEndpoint()
	known := true
	e.Room(func(s demand.Service) (demand.Room, bool) {
		return demand.Room{Namespace: s.Namespace, Name: s.Name, TTFT: time.Second, Requests: 50, PerToken: 10}, known
	})
	if _, err := e.table.Report(e.clock, demand.Report{Gateway: "b", Services: []demand.Item{{Namespace: "demo", Name: "llama", Work: demand.Work{InFlight: 1}}}}); err != nil {
		t.Fatal(err)
	}
	if res := e.post("gateway", threeHeld); res.Code != http.StatusNoContent {
		t.Errorf("by arrival: POST = %d %s, want 204", res.Code, res.Body)
	}
	byPromise := strings.Replace(threeHeld, `{"gateway"`, `{"byPromise":true,"gateway"`, 1)
	res := e.post("gateway", byPromise)
	var got demand.Answer
	if err := json.Unmarshal(res.Body.Bytes(), &got); err != nil || res.Code != http.StatusOK {
		t.Fatalf("POST = %d %s, %v, want 200 and an answer", res.Code, res.Body, err)
	}
	want := demand.Answer{Rooms: []demand.Room{{Namespace: "demo", Name: "llama", TTFT: time.Second, Requests: 45, PerToken: 11}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the answer to who has 9 of 10 requests: -want +got\n%s", diff)
	}
	if e.ByPromise() {
		t.Error("ByPromise = true, and gateway b is not")
	}
	known = false
	if res := e.post("gateway", byPromise); res.Code != http.StatusNoContent {
		t.Errorf("nothing is known: POST = %d %s, want 204", res.Code, res.Body)
	}
}

func TestReportIsTaken(t *testing.T) {
	e := newEndpoint()
	if res := e.post("gateway", threeHeld); res.Code != http.StatusNoContent {
		t.Fatalf("POST = %d %s, want 204", res.Code, res.Body)
	}
	want := demand.Demand{Work: demand.Work{Held: 3, HeldTokens: 900, InFlight: 2, Arrivals: 4}, Gateways: 1}
	if diff := cmp.Diff(want, e.Of(demand.Service{Namespace: "demo", Name: "llama"})); diff != "" {
		t.Errorf("of(llama): -want +got\n%s", diff)
	}
	if !slices.Equal(e.told, []demand.Service{{Namespace: "demo", Name: "llama"}}) {
		t.Errorf("told of %v, want llama", e.told)
	}
	e.post("gateway", threeHeld)
	if len(e.told) != 1 || e.reviews != 1 {
		t.Errorf("told of %v after %d reviews, want llama once and one review", e.told, e.reviews)
	}
}

// TestTokenIsReviewedAgain is beside reports, which do not wait for it: for one period
// a token needs no review, for another it is taken while it is reviewed (INV-2).
func TestTokenIsReviewedAgain(t *testing.T) {
	e := newEndpoint()
	var revoked, down bool
	review := e.review
	hung := make(chan struct{})
	e.review = func(ctx context.Context, token string) (authenticationv1.TokenReviewStatus, error) {
		if e.reviews > 0 {
			<-hung
		}
		switch {
		case down:
			return review(ctx, "broken")
		case revoked:
			return review(ctx, "gone")
		}
		return review(ctx, token)
	}
	close(hung)
	for _, step := range []struct {
		name    string
		after   time.Duration
		change  func()
		status  int
		reviews int
	}{
		{"at first", 0, func() {}, 204, 1},
		{"soon after", reviewPeriod - 1, func() {}, 204, 1},
		{"due, and the API server hangs", 1, func() { hung = make(chan struct{}) }, 204, 1},
		{"again, meanwhile", 1, func() {}, 204, 1},
		{"reviewed", 1, func() { close(hung); e.renewals.Wait() }, 204, 2},
		{"due, and the API server is down", reviewPeriod, func() { down = true }, 204, 3},
		{"for too long", reviewPeriod, func() {}, 503, 4},
		{"it is back", 1, func() { down = false }, 204, 5},
		{"revoked", reviewPeriod, func() { revoked = true }, 204, 6},
		{"and known to be", 1, func() {}, 401, 6},
		{"but not for long", refusedTime, func() { revoked = false }, 204, 7},
	} {
		e.clock = e.clock.Add(step.after)
		step.change()
		res := e.post("gateway", threeHeld)
		select {
		case <-hung:
			e.renewals.Wait()
		default: // a review is under way
		}
		if res.Code != step.status || e.reviews != step.reviews {
			t.Errorf("%s: %d after %d reviews, want %d after %d", step.name, res.Code, e.reviews, step.status, step.reviews)
		}
	}
}

// INV-1.
func TestReportsThatAreRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		method, path, token, body string
		status                    int
		says                      string
	}{
		"no token":           {token: "", body: threeHeld, status: 401, says: "bearer token"},
		"unknown token":      {token: "x", body: threeHeld, status: 401, says: "flyball-controller"},
		"another audience":   {token: "audience", body: threeHeld, status: 401, says: "flyball-controller"},
		"another account":    {token: "other", body: threeHeld, status: 403, says: "system:serviceaccount:demo:flyball-gateway may not"},
		"no pod's token":     {token: "unbound", body: threeHeld, status: 403, says: "not bound to a pod"},
		"another pod's name": {token: "gateway", body: strings.Replace(threeHeld, `"a"`, `"b"`, 1), status: 403, says: `that of pod a, which may not report as "b"`},
		"no API server":      {token: "broken", body: threeHeld, status: 503, says: "cannot be reviewed"},
		"another path":       {path: "/v1/models", token: "gateway", status: 404, says: "not found"},
		"another method":     {method: "GET", token: "gateway", status: 405, says: "POST"},
		"broken JSON":        {token: "gateway", body: "{", status: 400, says: "reading the report"},
		"a negative count":   {token: "gateway", body: strings.Replace(threeHeld, ":3,", ":-3,", 1), status: 400, says: "no count"},
		"more than a report": {token: "gateway", body: `{"gateway":"` + strings.Repeat("x", maxReport) + `"}`, status: 413, says: "too large"},
	} {
		e := newEndpoint()
		method, path := tc.method, tc.path
		if method == "" {
			method = http.MethodPost
		}
		if path == "" {
			path = Path
		}
		res := e.ask(method, path, tc.token, tc.body)
		if res.Code != tc.status || !strings.Contains(res.Body.String(), tc.says) {
			t.Errorf("%s: %d %s, want %d with %q", name, res.Code, res.Body, tc.status, tc.says)
		}
		if list, _ := e.All(); len(list) > 0 || len(e.told) > 0 {
			t.Errorf("%s: the table has %v, told of %v, want nothing", name, list, e.told)
		}
	}
}

// INV-4.
func TestRefusedTokensAreKnown(t *testing.T) {
	e := newEndpoint()
	for _, token := range []string{"x", "other", "audience", "unbound"} {
		before := e.reviews
		first := e.post(token, threeHeld)
		for range 5 {
			if again := e.post(token, threeHeld); again.Code != first.Code || again.Body.String() != first.Body.String() {
				t.Errorf("%s: %d %s, want as at first %d %s", token, again.Code, again.Body, first.Code, first.Body)
			}
		}
		if asked := e.reviews - before; asked != 1 {
			t.Errorf("%s: the API server was asked %d times, want 1", token, asked)
		}
	}
	for i := range maxReviewed + 10 {
		e.post(fmt.Sprint(i), threeHeld)
	}
	if len(e.refused) > maxReviewed {
		t.Errorf("%d refused tokens are kept, want at most %d", len(e.refused), maxReviewed)
	}
}

// INV-4: strangers with many tokens leave the API server its work.
func TestFewReviewsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint()
		free := make(chan struct{})
		var under atomic.Int32
		e.review = func(context.Context, string) (authenticationv1.TokenReviewStatus, error) {
			under.Add(1)
			<-free
			return authenticationv1.TokenReviewStatus{}, nil
		}
		var all sync.WaitGroup
		for i := range 3 * maxReviews {
			all.Go(func() { e.post(fmt.Sprint(i), threeHeld) })
		}
		synctest.Wait()
		if got := under.Load(); got != maxReviews {
			t.Errorf("%d reviews at once, want %d", got, maxReviews)
		}
		close(free)
		all.Wait()
	})
}

// INV-3: what is said of a service that does not exist is left out, the rest counts.
func TestServicesMustExist(t *testing.T) {
	e := newEndpoint()
	e.Know(func(s demand.Service) bool { return s.Name == "llama" })
	body := strings.Replace(threeHeld, `"services":[`, `"services":[{"namespace":"demo","name":"ghost","held":9},`, 1)
	if res := e.post("gateway", body); res.Code != http.StatusNoContent {
		t.Fatalf("POST = %d %s, want 204", res.Code, res.Body)
	}
	all, _ := e.All()
	if len(all) != 1 || all[0].Name != "llama" || len(e.told) != 1 {
		t.Errorf("the table has %v, told of %v, want llama alone", all, e.told)
	}
}

// TestServes is over a real socket: it listens, takes a report by TLS, and
// is gone when the context ends.
func TestServes(t *testing.T) {
	e := newEndpoint()
	folder, pool := certificate(t)
	e.settings.Certificates = folder
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.serve(ctx, l) }()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+l.Addr().String()+Path, strings.NewReader(threeHeld))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer gateway")
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if res.Body.Close(); res.StatusCode != http.StatusNoContent {
		t.Errorf("POST = %s, want 204", res.Status)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("serve() = %v, want no error", err)
	}
}

// certificate makes one for 127.0.0.1 in a folder, as a mounted Secret has it.
func certificate(t *testing.T) (folder string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	folder, pool = t.TempDir(), x509.NewCertPool()
	for name, block := range map[string]*pem.Block{
		"tls.crt": {Type: "CERTIFICATE", Bytes: der}, "tls.key": {Type: "EC PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return folder, pool
}

func TestSummary(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	text, err := json.Marshal(Summary{at, 2, []demand.Item{{Namespace: "demo", Name: "llama", Work: demand.Work{Held: 3, HeldTokens: 900, InFlight: 2, Arrivals: 4}}}})
	if err != nil {
		t.Fatal(err)
	}
	m := &corev1.ConfigMap{Data: map[string]string{summaryKey: string(text)}}
	m.Namespace, m.Name = config.Namespace, summaryName
	for name, tc := range map[string]struct {
		objects []client.Object
		now     time.Time
		want    *demand.Demand
	}{
		"fresh": {[]client.Object{m}, at.Add(summaryLife), &demand.Demand{Work: demand.Work{Held: 3, HeldTokens: 900, InFlight: 2, Arrivals: 4}, Gateways: 2}},
		"old":   {[]client.Object{m}, at.Add(summaryLife + 1), &demand.Demand{}},
		"none":  {nil, at, nil},
	} {
		summary, err := ReadSummary(t.Context(), kubetest.Client(t, tc.objects...), tc.now)
		if diff := cmp.Diff(tc.want, summary.Of("demo", "llama")); err != nil || diff != "" {
			t.Errorf("%s: ReadSummary() = %v, -want +got\n%s", name, err, diff)
		}
	}
}
