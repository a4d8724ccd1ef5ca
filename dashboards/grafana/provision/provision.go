// Package provision puts Streamgauge's data source, dashboards and alert rules into a Grafana: as files that it reads when
// it starts (Files, Write), or into one that runs, over its API (Upload).
package provision

import (
	"fmt"
	"net"
	"strconv"

	"github.com/streamgauge/streamgauge/dashboards/grafana/panel"
)

// Options are what differs between places.
type Options struct {
	// ClickHouse is the address of ClickHouse's native port as Grafana reaches it, host:port.
	ClickHouse string
	// User, Password and Database are the read-only user's. A Password such as $NAME in files is read by Grafana from
	// its environment.
	User, Password, Database string
	// Secure is for a ClickHouse that wants TLS.
	Secure bool
	// Server is the address of Streamgauge's page, which links lead to.
	Server string
}

const (
	sourceName = "Streamgauge"
	folderUID  = "streamgauge"
	folderName = "Streamgauge"
	orgID      = 1
)

// source is the data source in the form of the API; files have the same names.
type source struct {
	Name           string         `json:"name" yaml:"name"`
	UID            string         `json:"uid" yaml:"uid"`
	Type           string         `json:"type" yaml:"type"`
	Access         string         `json:"access" yaml:"access"`
	JSONData       map[string]any `json:"jsonData" yaml:"jsonData"`
	SecureJSONData map[string]any `json:"secureJsonData" yaml:"secureJsonData"`
}

// source checks the address and makes the data source.
func (o Options) source() (source, error) {
	host, text, err := net.SplitHostPort(o.ClickHouse)
	if err != nil {
		return source{}, fmt.Errorf("clickhouse-address %q: give it as host:port: %w", o.ClickHouse, err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || host == "" {
		return source{}, fmt.Errorf("clickhouse-address %q: give it as host:port, the native port", o.ClickHouse)
	}
	return source{
		Name: sourceName, UID: panel.Source.UID, Type: panel.Source.Type, Access: "proxy",
		JSONData: map[string]any{
			"host": host, "port": port, "protocol": "native", "secure": o.Secure, "tlsSkipVerify": false, "username": o.User, "defaultDatabase": o.Database,
			"version": "4.14.0", "dialTimeout": "10", "queryTimeout": "60", "validateSql": false,
		},
		SecureJSONData: map[string]any{"password": o.Password},
	}, nil
}
