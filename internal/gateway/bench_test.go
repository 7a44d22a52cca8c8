package gateway

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"
)

// The whole takes less than two minutes on two cores that others use too. What they do
// can only add to a time, so that of several measured the shortest is the truest.
const (
	rounds      = 9 // of each measure that is repeated
	roundTime   = time.Second
	benchConns  = 16   // to each proxy, for CPU
	rate        = 1000 // requests per second, for latency
	streamCount = 5000
	heldCount   = 10000
	abandons    = 3
	openFiles   = heldCount + 500  // of a process; a stream has two ends in each
	patience    = 30 * time.Second // with what must come
)

// fourKB is a request as a chat sends it.
var fourKB = `{"model":"llama","stream":true,"max_tokens":100,"messages":[{"role":"user","content":"` + strings.Repeat("word ", 790) + `"}]}`

// proxy is a child process.
type proxy struct {
	b             testing.TB
	address, side string
}

func startProxy(b testing.TB, kind, pods string) *proxy {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childKind+"="+kind, childPods+"="+pods)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	p := &proxy{b: b}
	if _, err := fmt.Fscan(bufio.NewReader(out), &p.address, &p.side); err != nil {
		b.Fatalf("the %s proxy does not start: %v", kind, err)
	}
	return p
}

// ask reads a control.
func (p *proxy) ask(what string) int64 {
	p.b.Helper()
	answer, err := http.Get("http://" + p.side + what)
	if err != nil {
		p.b.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		p.b.Fatal(err)
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		p.b.Fatal(err)
	}
	return n
}

// row is a line of the table.
type row struct {
	what, bare, gateway, goal string
	ok                        bool
}

// BenchmarkAgainstBareProxy measures once, however often it is told to, and prints a
// table. It fails where a goal is not reached.
func BenchmarkAgainstBareProxy(b *testing.B) {
	checkOpenFiles(b)
	title := machine()
	upstream := &http.Server{Handler: pods()}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = upstream.Serve(l) }()
	defer upstream.Close()
	direct := l.Addr().String()
	bare, gateway := startProxy(b, "bare", direct), startProxy(b, "gateway", direct)
	rows := []row{cpu(b, bare, gateway), latency(b, direct, bare, gateway)}
	rows = append(rows, streamMemory(b, startProxy(b, "bare", direct), startProxy(b, "gateway", direct)))
	rows = append(rows, heldMemory(b, startProxy(b, "asleep", direct))...)
	printTable(title, rows)
	for _, r := range rows {
		if !r.ok {
			b.Errorf("%s: %s, the goal is %s", r.what, r.gateway, r.goal)
		}
	}
}

func printTable(title string, rows []row) {
	fmt.Printf("\n%s\n", title)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "measure\tbare ReverseProxy\tgateway\tgoal\t")
	for _, r := range rows {
		verdict := "ok"
		if !r.ok {
			verdict = "MISSED"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.what, r.bare, r.gateway, r.goal, verdict)
	}
	_ = w.Flush()
	fmt.Println()
}

func machine() string {
	host, _ := os.Hostname()
	model := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.SplitSeq(string(text), "\n") {
			if name, is := strings.CutPrefix(line, "model name\t: "); is {
				model = name
				break
			}
		}
	}
	load, _ := os.ReadFile("/proc/loadavg")
	busy, _, _ := strings.Cut(string(load), " ")
	return fmt.Sprintf("%s: %d × %s, %s, %s/%s; proxies, clients and pods share them. Load average before: %s",
		host, runtime.NumCPU(), model, runtime.Version(), runtime.GOOS, runtime.GOARCH, busy)
}

// cpu loads both at the same time, so that whatever else the machine does, and whatever
// they do to each other, hits both alike.
func cpu(b *testing.B, bare, gateway *proxy) row {
	var costs [2][]float64 // µs per request
	var ratios []float64
	for range rounds {
		var cost [2]float64
		var both sync.WaitGroup
		for i, p := range []*proxy{bare, gateway} {
			both.Go(func() {
				before := p.ask("/cpu")
				n := closedLoop(b, p.address)
				cost[i] = float64(p.ask("/cpu")-before) / float64(n) / 1000
			})
		}
		both.Wait()
		costs[0], costs[1], ratios = append(costs[0], cost[0]), append(costs[1], cost[1]), append(ratios, cost[1]/cost[0])
	}
	ratio := median(ratios)
	b.ReportMetric(ratio, "cpu-ratio")
	return row{
		fmt.Sprintf("CPU per request, 4 KB in, 1 KB out, median of %d", rounds), fmt.Sprintf("%.0f µs", median(costs[0])),
		fmt.Sprintf("%.0f µs, %.2f × (%.2f to %.2f)", median(costs[1]), ratio, slices.Min(ratios), slices.Max(ratios)), "1.2 ×", ratio <= 1.2,
	}
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}

// closedLoop sends the next request on a connection when the last is answered. It
// returns how many were.
func closedLoop(b *testing.B, address string) int64 {
	transport := &http.Transport{MaxIdleConnsPerHost: benchConns}
	defer transport.CloseIdleConnections()
	var all sync.WaitGroup
	var sent atomic.Int64
	end := time.Now().Add(roundTime)
	for range benchConns {
		all.Go(func() {
			for time.Now().Before(end) && !b.Failed() {
				send(b, transport, address)
				sent.Add(1)
			}
		})
	}
	all.Wait()
	return sent.Load()
}

func send(b *testing.B, transport *http.Transport, address string) {
	r, err := http.NewRequest(http.MethodPost, "http://"+address+"/v1/chat/completions", strings.NewReader(fourKB))
	if err != nil {
		b.Error(err)
		return
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := transport.RoundTrip(r)
	if err != nil {
		b.Error(err)
		return
	}
	defer answer.Body.Close()
	if n, err := io.Copy(io.Discard, answer.Body); n != 1024 || err != nil || answer.StatusCode != http.StatusOK {
		b.Errorf("status %d, %d bytes, %v", answer.StatusCode, n, err)
	}
}

// latency takes turns, for three times the rate is more than two cores do; what a proxy
// adds is against no proxy at all.
func latency(b *testing.B, direct string, bare, gateway *proxy) row {
	var p99 [3][]float64 // ms
	for range rounds {
		for i, address := range []string{direct, bare.address, gateway.address} {
			p99[i] = append(p99[i], openLoop(b, address))
		}
	}
	none := slices.Min(p99[0])
	base, ours := slices.Min(p99[1])-none, slices.Min(p99[2])-none
	b.ReportMetric(ours, "p99-added-ms")
	return row{
		fmt.Sprintf("p99 added at %d requests/s, best of %d", rate, rounds), fmt.Sprintf("%.2f ms", base),
		fmt.Sprintf("%.2f ms (median %.2f ms)", ours, median(p99[2])-median(p99[0])), "5 ms", ours <= 5,
	}
}

// openLoop is the 99th percentile, in ms, counted from when a request was due.
func openLoop(b *testing.B, address string) float64 {
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	defer transport.CloseIdleConnections()
	var all sync.WaitGroup
	n := int(roundTime.Seconds() * rate)
	took := make([]float64, n)
	began := time.Now()
	for i := range n {
		due := began.Add(time.Duration(i) * time.Second / rate)
		pause(b.Context(), time.Until(due))
		all.Go(func() {
			send(b, transport, address)
			took[i] = float64(time.Since(due).Microseconds()) / 1000
		})
	}
	all.Wait()
	slices.Sort(took)
	return took[n*99/100]
}

// streamMemory is what a proxy takes in all while many streams are open.
func streamMemory(b *testing.B, bare, gateway *proxy) row {
	var used [2]float64
	for i, p := range []*proxy{bare, gateway} {
		conns := open(b, p.address, "/v1/stream", streamCount, true)
		pause(b.Context(), 3*time.Second) // of events
		used[i] = float64(p.ask("/memory")) / 1e6
		closeAll(conns)
	}
	b.ReportMetric(used[1], "streams-MB")
	return row{
		fmt.Sprintf("memory with %d streams", streamCount), fmt.Sprintf("%.0f MB", used[0]), fmt.Sprintf("%.0f MB", used[1]), "400 MB", used[1] <= 400,
	}
}

// heldMemory is what each held request adds, its body set aside, and how long those
// stay whose clients leave all at once.
func heldMemory(b *testing.B, p *proxy) []row {
	base := p.ask("/collected")
	var each float64 // KB, of the first round: later ones find memory that is not given back
	var freed []float64
	for i := range abandons {
		conns := open(b, p.address, "/v1/chat/completions", heldCount, false)
		p.awaitHeld(heldCount)
		if i == 0 {
			each = float64(p.ask("/collected")-base)/heldCount/1e3 - float64(len(fourKB))/1e3
		}
		closeAll(conns)
		closed := time.Now()
		p.awaitHeld(0)
		freed = append(freed, time.Since(closed).Seconds())
	}
	best := slices.Min(freed)
	b.ReportMetric(each, "KB/held")
	b.ReportMetric(best, "s-freed")
	return []row{
		{fmt.Sprintf("memory per held request at %d, body set aside", heldCount), "", fmt.Sprintf("%.1f KB", each), "30 KB", each <= 30},
		{fmt.Sprintf("time to free %d abandoned, best of %d", heldCount, abandons), "", fmt.Sprintf("%.2f s (median %.2f s)", best, median(freed)), "1 s", best <= 1},
	}
}

func (p *proxy) awaitHeld(want int64) {
	p.b.Helper()
	for began := time.Now(); p.ask("/held") != want; pause(p.b.Context(), 5*time.Millisecond) {
		if time.Since(began) > patience {
			p.b.Fatalf("%d requests are held, want %d", p.ask("/held"), want)
		}
	}
}

// checkOpenFiles says what is wrong before anything else goes wrong in its place.
func checkOpenFiles(b *testing.B) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		b.Fatal(err)
	}
	if limit.Cur < openFiles {
		b.Fatalf("a process may open %d files here, this needs %d: ulimit -n", limit.Cur, openFiles)
	}
}

// open sends a request on each of many connections, and waits for a first byte of
// each answer if there is to be one.
func open(b *testing.B, address, path string, n int, answered bool) []net.Conn {
	request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, len(fourKB), fourKB)
	conns := make([]net.Conn, n)
	var all sync.WaitGroup
	for worker := range 64 {
		all.Go(func() {
			for i := worker; i < n; i += 64 {
				c, err := net.Dial("tcp", address)
				if err != nil {
					b.Error(err)
					return
				}
				conns[i] = c
				if _, err := c.Write(request); err != nil {
					b.Error(err)
				}
				if !answered {
					continue
				}
				first := make([]byte, 512)
				if n, err := c.Read(first); err != nil || !bytes.HasPrefix(first[:n], []byte("HTTP/1.1 200")) {
					b.Errorf("answer %q, %v", first[:n], err)
				}
				go func() { _, _ = io.Copy(io.Discard, c) }()
			}
		})
	}
	all.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return conns
}

func closeAll(conns []net.Conn) {
	for _, c := range conns {
		_ = c.Close()
	}
}
