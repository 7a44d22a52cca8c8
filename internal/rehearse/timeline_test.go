package rehearse

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestTimelineFits80Columns(t *testing.T) {
	var out strings.Builder
	tl := timeline{w: &out, start: time.Now(), step: "a-step-with-a-long-name"}
	tl.head()
	long := strings.Repeat("word ", 30) + strings.Repeat("x", 200)
	tl.row(snapshot{deployed: true, wanted: 3, ready: 1, metric: "1.33333333/1"}, long)
	tl.row(snapshot{}, "")
	tl.explain(errors.New(long))
	if _, err := tl.Write([]byte(long + "\nsecond\n")); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > timelineWidth {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	want := strings.Join([]string{
		timelineHead,
		" 0:00 a-step-wit… 1.33333…       3     1  word word word word word word word",
	}, "\n")
	if !strings.HasPrefix(out.String(), want) {
		t.Errorf("timeline = \n%s\nwant it to start with\n%s", out.String(), want)
	}
}

func TestPlain(t *testing.T) {
	for quantity, want := range map[string]string{"1500m": "1.5", "1": "1", "250m": "0.25", "3M": "3M", "": "", "m": "m"} {
		if got := plain(quantity); got != want {
			t.Errorf("plain(%q) = %q, want %q", quantity, got, want)
		}
	}
}
