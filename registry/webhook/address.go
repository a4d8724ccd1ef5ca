package webhook

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/streamgauge/streamgauge/registry/decide"
)

var nameText = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?$`)

const (
	urlMax         = 500
	descriptionMax = 1000
)

// Guard says where webhooks may lead: as in MLflow to public addresses, over https, unless somebody allows more.
type Guard struct {
	// Schemes that are allowed; none: https.
	Schemes []string
	// Private addresses are allowed.
	Private bool
}

// CheckURL checks an address but for what its host's name resolves to, and answers the host.
func (g Guard) CheckURL(text string) (host string, err error) {
	if strings.TrimSpace(text) == "" {
		return "", invalid("Webhook URL cannot be empty or just whitespace: %s", decide.PythonText(text))
	}
	if len(text) > urlMax {
		return "", invalid("Webhook URL exceeds the maximum length of %d characters", urlMax)
	}
	u, err := url.Parse(text)
	if err != nil {
		return "", invalid("Invalid webhook URL %s: %v", decide.PythonText(text), err)
	}
	schemes := g.Schemes
	if len(schemes) == 0 {
		schemes = []string{"https"}
	}
	if !slices.Contains(schemes, u.Scheme) {
		return "", invalid("Invalid webhook URL scheme: %s. Allowed schemes are: %s.", decide.PythonText(u.Scheme), strings.Join(schemes, ", "))
	}
	if u.Hostname() == "" {
		return "", invalid("Webhook URL must include a hostname: %s", decide.PythonText(text))
	}
	return u.Hostname(), nil
}

// NotPublic is MLflow's refusal of a name that leads inside.
func NotPublic(host string, a netip.Addr) error {
	return invalid("Webhook URL must not resolve to a non-public IP address. %s resolves to %s.", decide.PythonText(host), a)
}

// Unresolved is MLflow's refusal of a name that leads nowhere.
func Unresolved(host string, err error) error {
	return invalid("Cannot resolve Webhook URL hostname %s: %v", decide.PythonText(host), err)
}

// inside are the ranges that the registries of IANA do not call globally reachable, and multicast.
var inside = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8")

// Addresses that hold an IPv4 address, which counts in their place.
var (
	nat64   = netip.MustParsePrefix("64:ff9b::/96")
	sixToIV = netip.MustParsePrefix("2002::/16")
)

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		out[i] = netip.MustParsePrefix(t)
	}
	return out
}

// Public says whether an address is one of the public network.
func Public(a netip.Addr) bool {
	a = a.WithZone("").Unmap()
	b := a.As16()
	switch {
	case nat64.Contains(a):
		a = netip.AddrFrom4([4]byte(b[12:16]))
	case sixToIV.Contains(a):
		a = netip.AddrFrom4([4]byte(b[2:6]))
	}
	return a.IsValid() && !slices.ContainsFunc(inside, func(p netip.Prefix) bool { return p.Contains(a) })
}
