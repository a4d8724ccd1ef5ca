// Package hosts knows by which names a server may be called, so that a browser that another site led here is not
// served. It is pure.
package hosts

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"strings"
)

// Names are the names that this server goes by. A browser that was led here under another name believes that it
// talks to another site (DNS rebinding), and must not be served.
type Names struct {
	// listen is the host that is listened on; unspecified: every address of the machine.
	listen      string
	unspecified bool
	any         bool
	patterns    []string
	// usual are Host headers that need no closer look.
	usual [2]string
}

// New takes the address that is listened on and further names, which may hold asterisks; "*" alone allows
// every name.
func New(listen string, allowed []string) (*Names, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, fmt.Errorf("want host:port, as in 127.0.0.1:5000")
	}
	ip, err := netip.ParseAddr(host)
	h := &Names{listen: strings.ToLower(host), unspecified: host == "" || err == nil && ip.IsUnspecified()}
	h.usual = [2]string{net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("localhost", port)}
	for _, p := range allowed {
		p = strings.ToLower(strings.TrimSpace(p))
		// In a pattern brackets would be a class of characters; here they are of an IPv6 address.
		p = strings.NewReplacer("[", `\[`, "]", `\]`).Replace(p)
		switch _, err := path.Match(p, ""); {
		case err != nil || p == "" || strings.Contains(p, "/"):
			return nil, fmt.Errorf("%q is no name of a host; want names as in tracker.example.org,*.internal", p)
		case p == "*":
			h.any = true
		default:
			h.patterns = append(h.patterns, p)
		}
	}
	return h, nil
}

// Host says whether a Host header names this server. Ports do not matter: a page cannot choose them.
func (h *Names) Host(header string) bool {
	if header == h.usual[0] || header == h.usual[1] || h.any && header != "" {
		return true
	}
	header = strings.ToLower(header)
	host := withoutPort(header)
	if host == "localhost" || host != "" && host == h.listen {
		return true
	}
	// An address is no name, so nobody can lead it elsewhere; it must be one that is listened on, though.
	if ip, err := netip.ParseAddr(host); err == nil && (ip.IsLoopback() || h.unspecified) {
		return true
	}
	return h.named(header, host)
}

func (h *Names) named(header, host string) bool {
	for _, p := range h.patterns {
		if ok, err := path.Match(p, header); err == nil && ok {
			return true
		}
		if ok, err := path.Match(p, host); err == nil && ok {
			return true
		}
	}
	return false
}

// Origin says whether a page of an origin may change something here: only this server's own pages may, under the
// name in the Host header, or under one that was allowed by name.
func (h *Names) Origin(origin, header string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	theirs, ours := strings.ToLower(u.Host), strings.ToLower(header)
	standard := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	if strings.TrimSuffix(theirs, standard) == strings.TrimSuffix(ours, standard) {
		return true
	}
	return h.named(theirs, withoutPort(theirs))
}

// withoutPort is the host of a Host header, an IPv6 address without brackets.
func withoutPort(header string) string {
	if host, _, err := net.SplitHostPort(header); err == nil {
		return host
	}
	return strings.TrimSuffix(strings.TrimPrefix(header, "["), "]")
}

// Loopback says whether an address to listen on is reached from this machine alone.
func Loopback(listen string) (bool, error) {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false, fmt.Errorf("want host:port, as in 127.0.0.1:5000")
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback(), nil
}
