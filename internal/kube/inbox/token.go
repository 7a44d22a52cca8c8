package inbox

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	reviewPeriod  = 30 * time.Second // how long a token that was good is not asked about again
	reviewTimeout = 10 * time.Second // of one question
	refusedTime   = 5 * time.Second  // how long a token that was refused is not asked about again
	maxReviewed   = 1000             // tokens that were good, and as many that were not
	maxReviews    = 4                // under way at once
)

// podClaim is where a TokenReview says to which pod a token is bound.
const podClaim = "authentication.kubernetes.io/pod-name"

// errNotBearer is a request without a token.
var errNotBearer = errors.New("a bearer token is required")

// reviewed is a token that was good. It is asked about again beside the report that
// comes after renew, so that no wake waits for the API server.
type reviewed struct {
	renew, until time.Time
	pod          string
}

// refusal is the answer to a token that was not good, for a short time: a pod's token may
// be known to the API server a moment later.
type refusal struct {
	until  time.Time
	status int
	err    error
}

// reviewer asks the API server whose token it is.
func reviewer(c client.Client) func(context.Context, string) (authenticationv1.TokenReviewStatus, error) {
	return func(ctx context.Context, token string) (authenticationv1.TokenReviewStatus, error) {
		r := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: []string{Audience}}}
		if err := c.Create(ctx, r); err != nil {
			return r.Status, fmt.Errorf("reviewing a token: %w", err)
		}
		return r.Status, nil
	}
}

// authenticate returns the pod whose token it is, or the status of a refusal.
func (b *Inbox) authenticate(req *http.Request) (pod string, status int, err error) {
	token, ok := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	if !ok || token == "" {
		return "", http.StatusUnauthorized, errNotBearer
	}
	r, renew, no := b.known(token)
	if renew {
		ctx := context.WithoutCancel(req.Context())
		b.renewals.Go(func() { _, _, _ = b.ask(ctx, token) }) // a token that was refused is so to the next report, aloud
	}
	switch {
	case no.err != nil:
		return "", no.status, no.err
	case r.pod != "":
		return r.pod, 0, nil
	}
	return b.ask(req.Context(), token)
}

// known is what is known of the token, and whether this caller is the one who has to ask
// about it again.
func (b *Inbox) known(token string) (r reviewed, renew bool, no refusal) {
	hash, now := sha256.Sum256([]byte(token)), b.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if no := b.refused[hash]; now.Before(no.until) {
		return reviewed{}, false, no
	}
	r = b.reviewed[hash]
	if !now.Before(r.until) {
		return reviewed{}, false, refusal{}
	}
	if now.Before(r.renew) {
		return r, false, refusal{}
	}
	r.renew = r.until
	b.reviewed[hash] = r
	return r, true, refusal{}
}

// ask has a token reviewed, and remembers what came of it. It returns the pod that it is
// bound to, or the status of a refusal.
func (b *Inbox) ask(ctx context.Context, token string) (pod string, status int, err error) {
	select {
	case b.reviews <- struct{}{}:
		defer func() { <-b.reviews }()
	case <-ctx.Done():
		return "", http.StatusServiceUnavailable, errors.New("too many tokens are reviewed now")
	}
	ctx, cancel := context.WithTimeout(ctx, reviewTimeout)
	defer cancel()
	hash := sha256.Sum256([]byte(token))
	review, err := b.review(ctx, token)
	if err != nil { // what is known of it stays so until its time is over
		b.log.Error(err, "a token is not reviewed")
		return "", http.StatusServiceUnavailable, errors.New("the token cannot be reviewed now")
	}
	pod, no := b.bound(review)
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.reviewed, hash)
	if no.err != nil {
		if len(b.refused) >= maxReviewed {
			clear(b.refused)
		}
		no.until = b.now().Add(refusedTime)
		b.refused[hash] = no
		return "", no.status, no.err
	}
	if len(b.reviewed) >= maxReviewed {
		clear(b.reviewed)
	}
	renew := b.now().Add(reviewPeriod)
	b.reviewed[hash] = reviewed{renew: renew, until: renew.Add(reviewPeriod), pod: pod}
	return pod, 0, nil
}

// bound is the pod of the gateway whose token was reviewed, or why it is none's.
func (b *Inbox) bound(status authenticationv1.TokenReviewStatus) (pod string, no refusal) {
	want := fmt.Sprintf("system:serviceaccount:%s:%s", b.settings.Namespace, Account)
	pods := status.User.Extra[podClaim]
	switch {
	case !status.Authenticated || !slices.Contains(status.Audiences, Audience):
		return "", refusal{status: http.StatusUnauthorized, err: fmt.Errorf("the token is none for the audience %s", Audience)}
	case status.User.Username != want:
		return "", refusal{status: http.StatusForbidden, err: fmt.Errorf("%s may not report, only %s", status.User.Username, want)}
	case len(pods) != 1 || pods[0] == "":
		return "", refusal{status: http.StatusForbidden, err: errors.New("the token is not bound to a pod: mount one into the gateway's, as config/gateway does")}
	}
	return pods[0], refusal{}
}
