package gateway

import (
	"fmt"
	"testing"
	"testing/synctest"
)

// TestPrefix: requests that begin alike go to the pod that knows the beginning, from
// every gateway, but not when it has far more to do than others.
func TestPrefix(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		affine := func(c *Config) { c.PrefixBytes = 20 }
		one, two := w.front("one", affine), w.front("two", affine)
		var pods []*engine
		for i := range 5 {
			pods = append(pods, w.engine(fmt.Sprintf("pod-%d", i), streams(2)))
		}
		one.Update([]Service{llama(pods...)})
		two.Update([]Service{llama(pods[4], pods[3], pods[2], pods[1], pods[0])})
		ask := func(system string, n, tokens int) string {
			return fmt.Sprintf(`{"model":"llama","max_tokens":%d,"prompt":"%s; question %d"}`, tokens, system, n)
		}
		busy := func() (chosen []int) {
			for i, p := range pods {
				if p.count() > 0 {
					chosen = append(chosen, i)
				}
			}
			return chosen
		}
		for n := range 10 {
			one.post(ask("You are a helpful pirate", n, 1))
			two.post(ask("You are a helpful pirate", n, 1))
		}
		if got := busy(); len(got) != 1 {
			t.Errorf("requests that begin alike went to the pods %v, want one", got)
		}
		for n := range 2 * prefixWorth / longestExpects {
			one.start(ask("You are a helpful pirate", n, longestExpects))
		}
		synctest.Wait()
		if got := busy(); len(got) < 2 {
			t.Errorf("all are at the pods %v, however busy", got)
		}
		for n := range 30 {
			one.post(ask(fmt.Sprintf("You are number %d", n), n, 1))
		}
		if got := busy(); len(got) < 4 {
			t.Errorf("requests that begin otherwise went to the pods %v", got)
		}
	})
}
