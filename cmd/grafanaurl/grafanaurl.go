// Package grafanaurl is the address of a Grafana that has our dashboards, which the web page links to.
package grafanaurl

import (
	"errors"
	"net/url"
	"strings"
)

// Check refuses what is no address of a Grafana; "" is none and well. Readers see it, so that it must not have a password.
func Check(address string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("must be an address such as https://grafana.example.org, without user, query or fragment")
	}
	return nil
}

// Put adds the address, if there is one, to what a server says of itself.
func Put(address string, own map[string]string) map[string]string {
	if address != "" {
		own["grafana"] = strings.TrimRight(address, "/")
	}
	return own
}
