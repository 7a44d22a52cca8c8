package serve

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/flyball-dev/flyball/internal/capacity"
	"github.com/flyball-dev/flyball/internal/decide"
	"github.com/flyball-dev/flyball/internal/demand"
	"github.com/flyball-dev/flyball/internal/explain/autoscaler"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/inbox"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
	"github.com/flyball-dev/flyball/internal/law/promise"
	"github.com/flyball-dev/flyball/internal/pilot"
)

// Gateways are told what the law knows of the pods of a service that they send requests to; of one
// before it, and of a plain Deployment, they are not. The law counts on an order where all
// gateways have one.
func TestRoomOfAService(t *testing.T) {
	key, llama := pilot.Service{Namespace: "demo", Name: "llama"}, demand.Service{Namespace: "demo", Name: "llama"}
	known := decide.Front{TTFT: 3 * time.Second, Room: capacity.Room{Sequences: 40, PerToken: 50, Rest: 7}}
	want := demand.Room{Namespace: "demo", Name: "llama", TTFT: 3 * time.Second, Requests: 40, PerToken: 50, Rest: 7}
	for what, c := range map[string]struct {
		target string
		answer pilot.Answer
		told   bool
	}{
		"known":            {kserve.PredictorName("llama"), pilot.Answer{UID: "so/target", Front: known}, true},
		"not known":        {kserve.PredictorName("llama"), pilot.Answer{UID: "so/target"}, false},
		"of one before":    {kserve.PredictorName("llama"), pilot.Answer{UID: "so/another", Front: known}, false},
		"plain Deployment": {"llama", pilot.Answer{UID: "so/target", Front: known}, false},
	} {
		p := serviceOn(t, autoscaler.Enabled, c.target)
		p.demand = anyInbox(t)
		p.book.Copy(map[pilot.Service]pilot.Answer{key: c.answer})
		got, told := p.room(llama)
		if !c.told {
			want := demand.Room{}
			if told || got != want {
				t.Errorf("%s: room = %+v, %v, want none", what, got, told)
			}
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" || !told {
			t.Errorf("%s: room: -want +got\n%s", what, diff)
		}
		if ordered(t, p) {
			t.Errorf("%s: the law counts on an order, and no gateway reports", what)
		}
		p.demand.Room(p.room)
		if said := report(p.demand, true); !strings.Contains(said, `"requests":40`) || !ordered(t, p) {
			t.Errorf("%s: a gateway where requests wait by promise is answered %q, and the law counts on it: %v", what, said, ordered(t, p))
		}
		if said := report(p.demand, false); said != "" || ordered(t, p) {
			t.Errorf("%s: a gateway where they go by arrival is answered %q, and the law counts on an order: %v", what, said, ordered(t, p))
		}
	}
}

// anyInbox takes every token for that of the gateway's pod a.
func anyInbox(t *testing.T) *inbox.Inbox {
	t.Helper()
	c := interceptor.NewClient(kubetest.Client(t), interceptor.Funcs{
		Create: func(_ context.Context, _ client.WithWatch, o client.Object, _ ...client.CreateOption) error {
			if r, ok := o.(*authenticationv1.TokenReview); ok {
				r.Status = authenticationv1.TokenReviewStatus{Authenticated: true, Audiences: []string{inbox.Audience}}
				r.Status.User.Username = "system:serviceaccount:flyball-system:" + inbox.Account
				r.Status.User.Extra = map[string]authenticationv1.ExtraValue{"authentication.kubernetes.io/pod-name": {"a"}}
			}
			return nil
		},
	})
	return inbox.New(inbox.Settings{Namespace: "flyball-system"}, c, logr.Discard(), time.Now)
}

// report is what gateway a is answered, which has a request of llama's.
func report(to *inbox.Inbox, byPromise bool) string {
	body := `{"gateway":"a","services":[{"namespace":"demo","name":"llama","inFlight":1}]}`
	if byPromise {
		body = strings.Replace(body, "{", `{"byPromise":true,`, 1)
	}
	r := httptest.NewRequest(http.MethodPost, inbox.Path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer token")
	answer := httptest.NewRecorder()
	to.ServeHTTP(answer, r)
	return answer.Body.String()
}

func ordered(t *testing.T, p parts) bool {
	t.Helper()
	all, err := p.All(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("All = %+v, %v", all, err)
	}
	l, ok := all[0].Policy.Law.(promise.Law)
	return ok && l.Ordered
}
