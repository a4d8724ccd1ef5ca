package hosts_test

import (
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/cmd/hosts"
)

func TestHostsRefuseOtherNames(t *testing.T) {
	for _, tt := range []struct {
		listen  string
		allowed string
		host    string
		want    bool
	}{
		{"127.0.0.1:5000", "", "127.0.0.1:5000", true},
		{"127.0.0.1:5000", "", "localhost:5000", true},
		{"127.0.0.1:5000", "", "LOCALHOST", true},
		{"127.0.0.1:5000", "", "localhost:8080", true}, // through ssh -L
		{"127.0.0.1:5000", "", "[::1]:5000", true},
		{"127.0.0.1:5000", "", "127.9.9.9", true},
		{"127.0.0.1:5000", "", "", false},
		{"127.0.0.1:5000", "", "evil.example", false},
		{"127.0.0.1:5000", "", "127.0.0.1.evil.example:5000", false},
		{"127.0.0.1:5000", "", "localhost.evil.example", false},
		{"127.0.0.1:5000", "", "192.168.1.7:5000", false},
		{"127.0.0.1:5000", "", "0.0.0.0:5000", false},
		{"192.168.1.7:5000", "", "192.168.1.7:5000", true},
		{"192.168.1.7:5000", "", "192.168.1.8:5000", false},
		{"Tracker:5000", "", "tracker:5000", true},
		{"0.0.0.0:5000", "", "192.168.1.7:5000", true},
		{":5000", "", "[fd00::1]:5000", true},
		{"0.0.0.0:5000", "", "tracker:5000", false},
		{"0.0.0.0:5000", "tracker", "tracker:5000", true},
		{"0.0.0.0:5000", "tracker:5000", "tracker:5000", true},
		{"0.0.0.0:5000", "tracker:5000", "tracker:80", false},
		{"0.0.0.0:5000", "*.example.org", "a.b.example.org", true},
		{"0.0.0.0:5000", "*.example.org", "example.org.evil", false},
		{"0.0.0.0:5000", "[fd00::1]:*", "[fd00::1]:5000", true},
		{"0.0.0.0:5000", "*", "anything", true},
		{"0.0.0.0:5000", "*", "", false},
	} {
		h, err := hosts.New(tt.listen, split(tt.allowed))
		if err != nil {
			t.Fatal(err)
		}
		if got := h.Host(tt.host); got != tt.want {
			t.Errorf("listening on %s, allowed %q, Host %q: %v", tt.listen, tt.allowed, tt.host, got)
		}
	}
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func TestOriginsRefuseOtherSites(t *testing.T) {
	for _, tt := range []struct {
		allowed, origin, host string
		want                  bool
	}{
		{"", "http://localhost:5000", "localhost:5000", true},
		{"", "http://LOCALHOST:5000", "localhost:5000", true},
		{"", "http://localhost:8888", "localhost:5000", false}, // another program of this machine
		{"", "http://evil.example", "localhost:5000", false},
		{"", "null", "localhost:5000", false},
		{"", "file://", "localhost:5000", false},
		{"", "http://localhost:5000.evil.example", "localhost:5000", false},
		{"", "http://localhost:5000@evil.example", "localhost:5000", false},
		{"", "https://tracker.example.org", "tracker.example.org", true},
		{"", "https://tracker.example.org", "tracker.example.org:443", true},
		{"", "http://tracker.example.org", "tracker.example.org:443", false},
		// Behind a proxy that does not pass the Host on.
		{"tracker.example.org", "https://tracker.example.org", "127.0.0.1:5000", true},
		{"tracker.example.org", "https://evil.example", "127.0.0.1:5000", false},
		{"*", "https://evil.example", "127.0.0.1:5000", false},
	} {
		h, err := hosts.New("127.0.0.1:5000", split(tt.allowed))
		if err != nil {
			t.Fatal(err)
		}
		if got := h.Origin(tt.origin, tt.host); got != tt.want {
			t.Errorf("allowed %q, Origin %q, Host %q: %v", tt.allowed, tt.origin, tt.host, got)
		}
	}
}
