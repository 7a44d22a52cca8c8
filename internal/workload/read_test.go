package workload

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const commonHeader = "arrival_s,input_tokens,output_tokens\n"

// short is what a trace says, in one line.
func short(w Workload) string {
	var s strings.Builder
	for r := range w.All(1) {
		fmt.Fprintf(&s, "%v:%d/%d", r.At, r.Input, r.Output)
		if r.Prefix != nil {
			fmt.Fprintf(&s, "(%d)", r.Prefix[len(r.Prefix)-1].Until)
		}
		s.WriteByte(' ')
	}
	return strings.TrimSuffix(s.String(), " ")
}

// Each format, with what is odd about it.
func TestRead(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"common", commonHeader + "1.5,10,20\n2,11,0\n", "0s:10/20 500ms:11/1"},
		{"more columns in another order", "\ufeffid,output_tokens,arrival_s,Input_Tokens\na,20,0,10\n", "0s:10/20"},
		{"prefixes", "arrival_s,input_tokens,output_tokens,prefix_parent_row,prefix_shared_blocks512\n0,1000,1,-1,0\n1,2000,1,0,2\n2,9,1,-1,0\n",
			"0s:1000/1(1000) 1s:2000/1(1000) 2s:9/1"},
		{"Azure 2023", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109\n",
			"0s:374/44 4.314579s:396/109"},
		{"Azure 2024", "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.009930+00:00,2162,5\n2024-05-10 00:00:01+00:00,2399,6\n",
			"0s:2162/5 990.07ms:2399/6"},
		{"BurstGPT, its failures left out", "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,Conversation log\n" +
			"45,ChatGPT,1087,0,1087,Conversation log\n118.0,GPT-4,417,276,693,API log\n", "0s:472/18 1m53s:417/276"},
		{"Mooncake", `{"timestamp": 27482, "input_length": 1100, "output_length": 52, "hash_ids": [46, 47, 48]}` + "\n\n" +
			`{"timestamp": 30535, "input_length": 1600, "output_length": 26, "hash_ids": [46, 47, 49, 50]}` + "\n",
			"0s:1100/52(1024) 3.053s:1600/26(1024)"},
		{"inference-perf log, in order of ending", `[{"start_time": 7.5, "end_time": 9, "info": {"input_tokens": 12, "output_tokens": 3}, "error": null},
			{"start_time": 7, "info": {"input_tokens": 11, "output_tokens": 0}, "error": {"error_type": "Timeout"}},
			{"start_time": 6.5, "request": "x", "info": {"request_metrics": {"text": {"input_tokens": 10}},
			 "response_metrics": {"output_tokens": 2, "server_usage": {"completion_tokens": 4}}}}]`, "0s:10/4 1s:12/3"},
		{"inference-perf configuration", `{"load": {"type": "constant", "interval": 5, "request_timeout": 30, "stages": [{"rate": 1, "duration": 1}, {"rate": 1, "duration": 2}]},
			"data": {"type": "shared_prefix", "shared_prefix": {"num_groups": 1, "system_prompt_len": 100, "question_len": 5, "output_len": 7}},
			"server": {"base_url": "http://localhost"}}`, "1s:105/7(100) 1.062275563s:105/7(100) 3s:105/7(100)"},
	} {
		w, err := Read(strings.NewReader(c.text), c.name)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := short(w); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// inference-perf's interval is waited for after the drain; then it takes a second more.
func TestPerfConfigWaits(t *testing.T) {
	w, err := Read(strings.NewReader(`{"load": {"interval": 5, "request_timeout": 30, "stages": [{"rate": 1, "duration": 1}, {"rate": 2, "duration": 1}]},
		"data": {"type": "random", "input_distribution": {"min": 5, "max": 5, "mean": 5}}}`), "c")
	if err != nil {
		t.Fatal(err)
	}
	requests := take(w, 1, 10)
	want := &Barrier{From: time.Second, Poll: time.Second, Pause: 6 * time.Second}
	if len(requests) != 3 || !w.Drains || w.Timeout != 30*time.Second || !cmp.Equal(requests[1].Barrier, want) {
		t.Errorf("%+v: %+v, want three requests, the second after %+v", w, requests, want)
	}
}

// INV-4.
func TestReadRefuses(t *testing.T) {
	azure := "TIMESTAMP,ContextTokens,GeneratedTokens\n"
	prefixed := "arrival_s,input_tokens,output_tokens,prefix_parent_row,prefix_shared_blocks512\n"
	for _, c := range []struct{ text, want string }{
		{"", "the file is empty"},
		{"\n \n", "the file is empty"},
		{commonHeader, "no requests below the header"},
		{"a,b\n1,2\n", `line 1: the header "a,b" is that of no trace: arrival_s,input_tokens,output_tokens or TIMESTAMP,`},
		{"arrival_s,input_tokens\n", "line 1: the header has no column output_tokens"},
		{commonHeader + "0,1,1\n1,1\n", "record on line 3: wrong number of fields"},
		{commonHeader + "0,1,1\nNaN,1,1\n", `line 3: arrival_s is "NaN", must be a finite number`},
		{commonHeader + "+Inf,1,1\n", `line 2: arrival_s is "+Inf", must be a finite number`},
		{commonHeader + "1e999,1,1\n", `line 2: arrival_s is "1e999", must be a finite number`},
		{commonHeader + "-1,1,1\n", "line 2: the arrival at -1 s: must be from 0 to 100000000"},
		{commonHeader + "1e9,1,1\n", "line 2: the arrival at 1e+09 s: must be from 0 to 100000000"},
		{commonHeader + "2,1,1\n\n1,1,1\n", "line 4: the arrival at 1s is earlier than that before it, 2s: sort the rows by time"},
		{commonHeader + "0,0,1\n", "line 2: 0 input tokens: must be from 1 to 10000000"},
		{commonHeader + "0,1,-5\n", "line 2: -5 output tokens: must be from 0 to 10000000"},
		{commonHeader + "0,99999999999999999999,1\n", `line 2: input_tokens is "99999999999999999999", must be a whole number`},
		{commonHeader + "0,20000000,1\n", "line 2: 20000000 input tokens: must be from 1 to 10000000"},
		{commonHeader + "0,1.5,1\n", `line 2: input_tokens is "1.5", must be a whole number`},
		{commonHeader + "0,\"1,1\n", "parse error on line 2, column 8: extraneous or missing"},
		{"arrival_s,input_tokens,output_tokens,prefix_parent_row\n", "line 1: prefix_parent_row and prefix_shared_blocks512 need each other"},
		{prefixed + "0,1,1,0,1\n", "line 2: the prefix is that of row 0: must be of an earlier one, the first is 0"},
		{prefixed + "0,1,1,-2,1\n", "line 2: the prefix is that of row -2: must be of an earlier one"},
		{prefixed + "0,1,1,-1,0\n0,1,1,0,-1\n", "line 3: -1 shared blocks: must be from 0 to 19531"},
		{azure + "yesterday,1,1\n", `line 2: TIMESTAMP is "yesterday", must be like 2023-11-16 18:15:46.6805900`},
		{azure + "2024-05-10 00:00:01,1,1\n2024-05-10 00:00:00,1,1\n", "line 3: TIMESTAMP 2024-05-10 00:00:00 +0000 UTC is earlier than the first"},
		{azure + "0001-01-01 00:00:00,1,1\n2024-05-10 00:00:00,1,1\n", "line 3: the arrival at 9.2"},
		{"Timestamp,Request tokens,Response tokens\n1,5,0\n", "no requests below the header"},
		{"{\"timestamp\": 0, \"input_length\": 5}\n", "line 1: timestamp, input_length and output_length must all be there"},
		{"{\"timestamp\": 0, \"input_length\": 5, \"output_length\": 1}\nx\n", "line 2: not a JSON object of a Mooncake trace: invalid character"},
		{"{\"timestamp\": 5000, \"input_length\": 5, \"output_length\": 1}\n{\"timestamp\": 0, \"input_length\": 5, \"output_length\": 1}", "line 2: the arrival at 0s is earlier"},
		{"[]", "no requests"},
		{"[{}]", "a JSON array without a field is no workload"},
		{"[{\"start_time\": 1, \"info\": {\"input_tokens\": -1, \"output_tokens\": 1}}]", "request 1: -1 input tokens"},
		{"[{\"start_time\": 1, \"info\": {\"input_tokens\": 1, \"output_tokens\": 1}}", "after request 1: EOF"},
		{"{\"load\": {}}", "load: no stages"},
		{"{\"load\": 5}", "an inference-perf configuration: load: a number cannot be its value"},
		{`{"load": {"stages": [{"rate": 1, "duration": -1}]}}`, "load: stage 0: duration is -1, must be more than 0 s"},
		{`{"load": {"stages": [{"rate": -1, "duration": 1}]}}`, "load: rate is -1 per second, must be from 0 to 1000000"},
		{`{"load": {"type": "concurrent", "stages": [{"rate": 1, "duration": 1}]}}`, `load: type is "concurrent": only constant and poisson`},
		{`{"load": {"sweep": {}}}`, "load: sweep: its rates depend on the server; write the stages it found"},
		{`{"load": {"stages": [{"rate": 1, "duration": 1}]}, "data": {"type": "shareGPT"}}`, `data: type is "shareGPT": lengths are known for`},
		{`{"load": {"stages": [{"rate": 1, "duration": 1}]}, "data": {"type": "random", "input_distribution": {"type": "poisson"}}}`,
			`data: input_distribution: type is "poisson", must be normal, uniform or fixed`},
		{`{"load": {"stages": [{"rate": 1, "duration": 1}]}, "data": {"type": "random", "output_distribution": {"variance": 4}}}`,
			`data: output_distribution: variance: write its root as std_dev`},
	} {
		_, err := Read(strings.NewReader(c.text), "x")
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("Read(%q) = %v, want %s…", c.text, err, c.want)
		}
	}
}

func TestReadRatesRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "the file is empty",
		"t_s\n":                         "line 1: the header has no column rate_rps",
		"t_s,rate_rps\n0,1\n":           "1 rates: at least two are needed",
		"t_s,rate_rps\n0,1\n0,2\n":      "line 3: t_s does not grow: 0s after 0s: sort the rows by time",
		"t_s,rate_rps\n0,-1\n":          "line 2: rate_rps is -1, must be from 0 to 1000000",
		"t_s,rate_rps\n0,NaN\n":         `line 2: rate_rps is "NaN", must be a finite number`,
		"window_start_s,rate_rps\n-1,1": "line 2: window_start_s is -1, must be from 0 to 100000000",
		"model,t_s,rate_rps\na,0,1\n":   "the file has several series: choose one by its model",
		"t_s,rate_rps\n0,1\n1,2\n\"x,1": "parse error on line 4, column 5: extraneous or missing",
	} {
		if _, err := ReadRates(strings.NewReader(text), ""); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("ReadRates(%q) = %v, want %s…", text, err, want)
		}
	}
	if _, err := ReadRates(strings.NewReader("t_s,rate_rps\n0,1\n1,1\n"), "s"); err == nil {
		t.Error("ReadRates of a series from a file without any = no error")
	}
}

// Points 1, 3, 2 at 0, 10 and 30 s, against windows of the same.
func TestReadRates(t *testing.T) {
	for header, want := range map[string][]Step{
		"t_s":            {{2, 10 * time.Second}, {2.5, 20 * time.Second}},
		"window_start_s": {{1, 10 * time.Second}, {3, 20 * time.Second}, {2, 20 * time.Second}},
	} {
		got, err := ReadRates(strings.NewReader(header+",rate_rps\n0,1\n10,3\n30,2\n"), "")
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("ReadRates(%s): %v, -want +got\n%s", header, err, diff)
		}
	}
}

func TestReadLengths(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	quantiles := "field,percentile,tokens\ninput,0,100\ninput,50,200\ninput,100,200\noutput,10,0\n"
	for _, c := range []struct {
		text        string
		in, out     float64 // means
		maxIn, most int
	}{
		{quantiles, 175, 1, 200, 1}, // half of the inputs even between 100 and 200, half 200
		{"input_tokens,output_tokens\n10,1\n30,3\n", 20, 2, 30, 3},
		{commonHeader + "0,10,1\n1,30,3\n", 20, 2, 30, 3},
	} {
		lengths, err := ReadLengths(strings.NewReader(c.text), "")
		if err != nil {
			t.Errorf("ReadLengths(%q) = %v", c.text, err)
			continue
		}
		const n = 20000
		var in, out, maxIn, maxOut int
		for range n {
			i, o := lengths(random)
			in, out, maxIn, maxOut = in+i, out+o, max(maxIn, i), max(maxOut, o)
		}
		near := func(got int, want float64) bool { return math.Abs(float64(got)/n/want-1) < 0.02 }
		if !near(in, c.in) || !near(out, c.out) || maxIn != c.maxIn || maxOut != c.most {
			t.Errorf("%q: %d and %d tokens in %d draws, most %d and %d, want %+v", c.text, in, out, n, maxIn, maxOut, c)
		}
	}
}

func TestReadLengthsRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "the file is empty",
		"field,percentile,tokens\n": `input of series "": no quantiles`,
		"field,percentile,tokens\ninput,1,5\ninput,1,6\n": "line 3: percentile 1 with 6 tokens follows 1 with 5: percentiles must grow and lengths not fall",
		"field,percentile,tokens\ninput,1,5\ninput,2,4\n": "line 3: percentile 2 with 4 tokens follows 1 with 5",
		"field,percentile,tokens\ninput,101,5\n":          "line 2: percentile 101: must be from 0 to 100",
		"field,percentile,tokens\nwidth,1,5\n":            `line 2: field is "width", must be input or output`,
		"field,percentile,tokens\ninput,1,-5\n":           "line 2: -5 tokens: must be from 0 to 10000000",
		"field,percentile,tokens\ninput,1,5\n":            `output of series "": no quantiles`,
		"input_tokens,output_tokens\n":                    "no lengths to draw from",
		"input_tokens,output_tokens\n1,x\n":               `line 2: output_tokens is "x", must be a whole number`,
		"model,field,percentile,tokens\nm,input,1,5\n":    "the file has several series: choose one by its model",
	} {
		if _, err := ReadLengths(strings.NewReader(text), ""); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("ReadLengths(%q) = %v, want %s…", text, err, want)
		}
	}
}

// Means of the distributions, 100,000 draws each. A normal distribution that is cut
// evenly on both sides keeps its mean.
func TestLengths(t *testing.T) {
	for text, want := range map[string]float64{
		"1000": 1000, "500..1500": 1000, "normal:4000:300:3500:4500": 4000, "lognormal:1000:2000:1:10000000": 1000,
	} {
		l, err := parseLength(text)
		if err != nil {
			t.Fatal(err)
		}
		random, sum := rand.New(rand.NewPCG(1, 2)), 0.0
		for range 100000 {
			sum += float64(l(random))
		}
		if got := sum / 100000; got < want*0.97 || got > want*1.03 {
			t.Errorf("%s: mean %.1f, want %v ± 3 %%", text, got, want)
		}
	}
}

// INV-6: FuzzPrefixes makes a Mooncake trace of which each prompt is known block by
// block, writes it in both forms, and compares the block hashes with the prompts.
func FuzzPrefixes(f *testing.F) {
	f.Add([]byte{3, 1, 2, 3, 2, 1, 2, 4, 1, 2, 3, 9}, uint8(16))
	f.Add([]byte("a prompt, a prompt, another prompt and a prompt"), uint8(64))
	f.Fuzz(func(t *testing.T, text []byte, block uint8) {
		prompts := somePrompts(text)
		if len(prompts) == 0 || block == 0 {
			return
		}
		var jsonl bytes.Buffer
		for i, p := range prompts {
			ids, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&jsonl, `{"timestamp":%d,"input_length":%d,"output_length":1,"hash_ids":%s}`+"\n", i, len(p)*mooncakeBlock, ids)
		}
		w, err := Read(&jsonl, "fuzz")
		if err != nil {
			t.Fatal(err)
		}
		requests := take(w, 1, len(prompts))
		checkRequests(t, w, requests)
		for i, p := range prompts {
			for j, q := range prompts[:i] {
				want := common(p, q) * mooncakeBlock / int(block)
				got := common(requests[i].BlockHashes(nil, int(block)), requests[j].BlockHashes(nil, int(block)))
				if got != want {
					t.Fatalf("prompts %v and %v share %d blocks of %d, want %d", p, q, got, block, want)
				}
			}
		}
	})
}

// somePrompts cuts text into lists of numbers, the first byte of each its length.
func somePrompts(text []byte) (prompts [][]int) {
	for len(text) > 1 && len(prompts) < 20 {
		n := min(int(text[0]%8)+1, len(text)-1)
		var p []int
		for _, b := range text[1 : n+1] {
			p = append(p, int(b%4))
		}
		prompts, text = append(prompts, p), text[n+1:]
	}
	return prompts
}

// common is how long the start is that both have.
func common[T comparable](a, b []T) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// FuzzRead holds that any file is a workload as INV-2 says, or an error.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		commonHeader + "0,1,1\n1,2,3\n",
		"arrival_s,input_tokens,output_tokens,prefix_parent_row,prefix_shared_blocks512\n0,1000,1,-1,0\n1,2000,1,0,2\n",
		"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n",
		"Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,Conversation log\n",
		`{"timestamp": 27482, "input_length": 6955, "output_length": 52, "hash_ids": [46, 47]}`,
		`[{"start_time": 7.5, "info": {"input_tokens": 12, "output_tokens": 3}}]`,
		`{"load": {"stages": [{"rate": 1, "duration": 1}]}, "data": {"type": "random"}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		w, err := Read(bytes.NewReader(text), "fuzz")
		if err == nil && w.Requests < 1e5 {
			checkRequests(t, w, take(w, 1, 1000))
		}
	})
}

// FuzzReadTables holds that rates and lengths of any file can be used, or are an error.
func FuzzReadTables(f *testing.F) {
	f.Add([]byte("t_s,rate_rps\n0,1\n10,2\n"))
	f.Add([]byte("window_start_s,rate_rps\n0,1\n10,2\n"))
	f.Add([]byte("field,percentile,tokens\ninput,0,100\noutput,50,7\n"))
	f.Add([]byte("input_tokens,output_tokens\n10,1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if steps, err := ReadRates(bytes.NewReader(text), ""); err == nil {
			if _, _, err := checkSteps(steps); err != nil && !strings.Contains(err.Error(), "all rates are 0") && !strings.Contains(err.Error(), "together") {
				t.Errorf("rates %v: %v", steps, err)
			}
		}
		if lengths, err := ReadLengths(bytes.NewReader(text), ""); err == nil {
			random := rand.New(rand.NewPCG(1, 2))
			for range 100 {
				if i, o := lengths(random); i < 1 || o < 1 || i > maxTokens || o > maxTokens {
					t.Errorf("lengths %d and %d", i, o)
				}
			}
		}
	})
}
