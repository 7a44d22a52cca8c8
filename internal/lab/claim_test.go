//go:build linux

package lab

import (
	"os"
	"testing"
)

func TestClaimNet(t *testing.T) {
	dir := t.TempDir()
	first, err := claimNet(dir, "/lab")
	if err != nil {
		t.Fatal(err)
	}
	second, err := claimNet(dir, "/lab")
	if err != nil {
		t.Fatal(err)
	}
	if first.net != "127.42" || second.net != "127.43" {
		t.Errorf("claims = %s, %s, want 127.42, 127.43", first.net, second.net)
	}
	first.release()
	again, err := claimNet(dir, "/lab")
	if err != nil {
		t.Fatal(err)
	}
	if again.net != "127.42" {
		t.Errorf("claim after a release = %s, want 127.42", again.net)
	}
	again.release()
	second.release()
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("lock files left: %v", left)
	}
}
