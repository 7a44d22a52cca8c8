//go:build e2e && linux

package bench

import (
	"crypto/tls"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/flyball-dev/flyball/config"
	"github.com/flyball-dev/flyball/internal/authority"
	"github.com/flyball-dev/flyball/internal/kube/follow"
	"github.com/flyball-dev/flyball/internal/kube/kubetest"
)

// certificates are folders with the scaler's, and KEDA's, of one authority.
func certificates(t *testing.T) (scaler, keda string) {
	t.Helper()
	by, err := authority.New(config.Scaler, time.Now().Add(24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	write := func(hosts []string) string {
		issued, err := by.Issue(pkix.Name{CommonName: hosts[0]}, hosts...)
		if err != nil {
			t.Fatal(err)
		}
		folder := t.TempDir()
		for name, data := range map[string][]byte{"tls.crt": issued.Certificate, "tls.key": issued.Key, "ca.crt": by.PEM} {
			if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return folder
	}
	return write(config.ScalerSecret(config.Namespace).Hosts), write(config.KEDASecret("keda").Hosts)
}

// mutual is a client by the certificate of a folder.
func mutual(t *testing.T, folder string) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	pool, err := authority.Pool(filepath.Join(folder, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: pool, Certificates: []tls.Certificate{pair}, ServerName: config.Scaler + "." + config.Namespace + ".svc"}
}

// A process is flyball scaler, with all that an installation has it do.
type process struct {
	w                       *world
	args                    []string
	keda, peer, metrics, on string // addresses, and the folder of its record
	cmd                     *exec.Cmd
	client                  *http.Client
}

// scaler starts one, which ends with the test.
func (w *world) scaler(t *testing.T, tick time.Duration, more ...string) *process {
	t.Helper()
	p := &process{
		w: w, keda: kubetest.FreeAddress(t), peer: kubetest.FreeAddress(t), metrics: kubetest.FreeAddress(t), on: t.TempDir(),
		client: &http.Client{Transport: &http.Transport{TLSClientConfig: mutual(t, w.folder)}, Timeout: 10 * time.Second},
	}
	p.args = append([]string{
		"scaler", "--kubeconfig=" + w.config, "--certificates=" + w.folder, "--bind-address=" + p.keda, "--peer-bind-address=" + p.peer,
		"--metrics-bind-address=" + p.metrics, "--health-probe-bind-address=0", "--demand-bind-address=" + kubetest.FreeAddress(t), "--demand-certificates=" + w.folder,
		"--tick=" + tick.String(), "--record=" + p.on,
	}, append(w.flags(), more...)...)
	p.start(t)
	t.Cleanup(func() {
		if err := p.end(syscall.SIGTERM); err != nil {
			t.Errorf("ending the scaler: %v", err)
		}
		p.client.CloseIdleConnections()
	})
	return p
}

// flags say what the scaler reads.
func (s *source) flags() []string {
	if s.shown != nil {
		return []string{"--direct-scrape"}
	}
	return []string{"--prometheus=" + s.URL, "--scrape-interval=" + s.every.String()}
}

// garbage is collected before there is more than this: as config/scaler has it, for a limit of a gigabyte.
const garbage = "880MiB"

// start runs it, again.
func (p *process) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(kubetest.Path(t, "bin"), "bench-cluster.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p.cmd = exec.Command(kubetest.Path(t, "bin/flyball"), p.args...)
	p.cmd.Stderr, p.cmd.Env = log, append(os.Environ(), "GOMEMLIMIT="+garbage)
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("starting bin/flyball: %v (build it with 'make build')", err)
	}
}

// end is by a signal, by which nothing else of it has ended.
func (p *process) end(by syscall.Signal) error {
	if err := p.cmd.Process.Signal(by); err != nil {
		return err
	}
	err := p.cmd.Wait()
	if by == syscall.SIGKILL {
		return nil
	}
	return err
}

// decisions are those that it has told at a time; false while it does not lead.
func (p *process) decisions() (lines []follow.Line, at time.Time, ok bool) {
	answer, err := p.client.Get("https://" + p.peer + follow.Path)
	if err != nil {
		return nil, at, false
	}
	defer answer.Body.Close()
	at = time.Now()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || json.Unmarshal(text, &lines) != nil {
		return nil, at, false
	}
	return lines, at, true
}

// use is what it has taken of the machine, by the kernel: it does not answer for being measured.
type use struct {
	cpu   time.Duration
	bytes float64 // resident
}

// hertz are what the kernel counts a process' time in: USER_HZ.
const hertz = 100

func (p *process) use() (use, error) {
	path := fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid)
	text, err := os.ReadFile(path)
	if err != nil {
		return use{}, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // a name may have spaces
	fields := strings.Fields(rest)                // of proc_pid_stat(5), from the third on
	if len(fields) < 22 {
		return use{}, fmt.Errorf("%s: %d fields", path, len(fields))
	}
	var numbers [3]float64
	for i, at := range []int{11, 12, 21} { // utime, stime, rss
		if numbers[i], err = strconv.ParseFloat(fields[at], 64); err != nil {
			return use{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	return use{time.Duration((numbers[0] + numbers[1]) / hertz * float64(time.Second)), numbers[2] * float64(os.Getpagesize())}, nil
}

// scraped has its metrics read every so often, as a Prometheus does, until stop is called.
func (p *process) scraped(every time.Duration) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			case <-time.After(every):
			}
			if answer, err := http.Get("http://" + p.metrics + "/metrics"); err == nil {
				_, _ = io.Copy(io.Discard, answer.Body) // who measures needs no number of it
				answer.Body.Close()
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}
