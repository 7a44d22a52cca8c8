//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// panelsAnswer asks the lab's Prometheus each query of each dashboard over the last ten
// minutes. Only what all services being well makes empty may be.
func (c *cluster) panelsAnswer(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "config/monitoring/dashboards/*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("dashboards = %v, %v, want some", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var board struct {
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
			}
		}
		if err := json.Unmarshal(text, &board); err != nil {
			t.Fatalf("reading %s: %v", file, err)
		}
		for _, p := range board.Panels {
			for _, q := range p.Targets {
				n, err := c.seriesOf(t, strings.NewReplacer("$namespace", ".*", "$service", ".*").Replace(q.Expr))
				if err != nil || n == 0 && p.Title != "Warnings" {
					t.Errorf("%s: %s: %s has %d series, %v, want some", filepath.Base(file), p.Title, q.Expr, n, err)
				}
			}
		}
	}
}

// prometheus is the lab's: a client that finds it, and what logs in.
func (c *cluster) prometheus(t *testing.T) (client *http.Client, user, password string) {
	t.Helper()
	proxy := func(*http.Request) (*url.URL, error) {
		for _, v := range c.env() {
			if address, ok := strings.CutPrefix(v, "FLYBALL_PROXY="); ok {
				return url.Parse(address)
			}
		}
		return nil, errors.New("no FLYBALL_PROXY in the lab's environment")
	}
	text, err := c.command(t.Context(), "bin/lab/kubectl", "get", "secret", "kube-prometheus-alertmanager-basic-auth", "-n", "cpaas-system", "-o", "json").Output()
	if err != nil {
		t.Fatalf("reading Prometheus' password: %v", err)
	}
	var secret struct{ Data map[string][]byte }
	if err := json.Unmarshal(text, &secret); err != nil {
		t.Fatalf("reading Prometheus' password: %v", err)
	}
	return &http.Client{Transport: &http.Transport{Proxy: proxy}}, string(secret.Data["username"]), string(secret.Data["password"])
}

// seriesOf counts what a query has found within ten minutes.
func (c *cluster) seriesOf(t *testing.T, query string) (int, error) {
	t.Helper()
	now := time.Now().Unix()
	asked := "http://prometheus-operated.cpaas-system.svc.cluster.local:9090/api/v1/query_range?" + url.Values{
		"query": {query}, "start": {strconv.FormatInt(now-600, 10)}, "end": {strconv.FormatInt(now, 10)}, "step": {"15"},
	}.Encode()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, asked, nil)
	if err != nil {
		return 0, err
	}
	client, user, password := c.prometheus(t)
	r.SetBasicAuth(user, password)
	answer, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	var got struct {
		Error string
		Data  struct{ Result []json.RawMessage }
	}
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
		return 0, err
	}
	if got.Error != "" {
		return 0, errors.New(got.Error)
	}
	return len(got.Data.Result), nil
}
