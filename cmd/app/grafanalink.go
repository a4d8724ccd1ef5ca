package app

import (
	"fmt"
	"net/url"
	"strings"
)

// checkGrafana refuses what is no address of a Grafana. Readers see it, so that it must not have a password.
func checkGrafana(address string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("--grafana-url: must be an address such as https://grafana.example.org, without user, query or fragment")
	}
	return nil
}

// about is what GET /v1/version answers.
func (s *server) about(own map[string]string) map[string]string {
	if s.config.GrafanaURL != "" {
		own["grafana"] = strings.TrimRight(s.config.GrafanaURL, "/")
	}
	return own
}
