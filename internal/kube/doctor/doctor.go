package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/version"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A Result is what one check comes to.
type Result string

// Nothing scales as promised until a Fail is fixed; a Warn costs something that
// the check names, or could not be looked at.
const (
	OK   Result = "ok"
	Warn Result = "warn"
	Fail Result = "fail"
)

// A Check is one thing that Flyball needs of a cluster.
type Check struct {
	Result Result `json:"result"`
	Name   string `json:"name"`
	Found  string `json:"found"`
	Fix    string `json:"fix,omitempty"`
}

// A Doctor looks at a cluster and changes nothing in it.
type Doctor struct {
	Cluster    client.Client
	Served     Served
	HTTP       *http.Client // for Prometheus; no redirect is followed
	Prometheus Prometheus
	Shipped    fs.FS // config/, whose roles are what the controller must be allowed
}

// Served says what the API server is and serves; client-go's discovery client does.
type Served interface {
	ServerVersion() (*version.Info, error)
	ServerResourcesForGroupVersion(groupVersion string) (*metav1.APIResourceList, error)
}

// Prometheus is a server that the user names. Its password is sent there and nowhere else.
type Prometheus struct {
	Address, User, Password string
}

// Examine runs every check, in the order in which a request for a replica passes
// the parts. An error means that the cluster does not answer at all.
func (d Doctor) Examine(ctx context.Context) ([]Check, error) {
	info, err := d.Served.ServerVersion()
	if err != nil {
		return nil, fmt.Errorf("asking the cluster for its version: %w", err)
	}
	all := []Check{kubernetesCheck(info.GitVersion)}
	for _, examine := range []func(context.Context) []Check{
		d.programs, d.apis, d.externalMetrics, d.webhooks, d.controllerRights, d.userRights, d.objectives, d.prometheus,
	} {
		all = append(all, examine(ctx)...)
	}
	return all, ctx.Err()
}

// unseen is the check that could not be made.
func unseen(name string, err error) Check {
	if apierrors.IsForbidden(err) {
		return Check{Warn, name, "not allowed to look: " + err.Error(), "run flyball doctor as a cluster administrator"}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return Check{Warn, name, "no answer in time", "run flyball doctor again"}
	}
	return Check{Fail, name, err.Error(), "fix what the message names, then run flyball doctor again"}
}
