package provision

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/grafana-tools/sdk"

	"github.com/streamgauge/streamgauge/dashboards/grafana/alert"
	"github.com/streamgauge/streamgauge/dashboards/grafana/board"
	"github.com/streamgauge/streamgauge/dashboards/grafana/panel"
)

const (
	// requestTimeout ends one call.
	requestTimeout = 30 * time.Second
	// answerBytesMax bounds what is read of an answer.
	answerBytesMax = 8 << 20
)

// Grafana is one that runs.
type Grafana struct {
	address, auth string
	http          *http.Client
	sdk           *sdk.Client
}

// Connect takes the address of a Grafana and a service account's token, or user:password.
func Connect(address, auth string) (*Grafana, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("url %q: give Grafana's address, such as http://127.0.0.1:3000", address)
	}
	if auth == "" {
		return nil, errors.New("token: give a service account's token with the role Admin, or user:password")
	}
	g := &Grafana{address: strings.TrimRight(address, "/"), auth: auth, http: &http.Client{Timeout: requestTimeout}}
	if g.sdk, err = sdk.NewClient(g.address, auth, g.http); err != nil {
		return nil, fmt.Errorf("url %q: %w", address, err)
	}
	return g, nil
}

// Upload puts data source, folder, dashboards and alert rules there, anew if they are there already, and calls said with
// what was done. It may be repeated.
func (g *Grafana) Upload(ctx context.Context, o Options, said func(string)) error {
	if err := g.checkPlugin(ctx); err != nil {
		return err
	}
	if err := g.putSource(ctx, o); err != nil {
		return err
	}
	said("data source " + sourceName)
	if err := g.putFolder(ctx); err != nil {
		return err
	}
	for _, b := range board.All(o.Server) {
		if err := g.putBoard(ctx, b); err != nil {
			return err
		}
		said("dashboard " + b.Title)
	}
	for _, group := range alert.All() {
		for _, r := range group.Rules {
			if err := g.putRule(ctx, group, r); err != nil {
				return err
			}
		}
		if err := g.setInterval(ctx, group); err != nil {
			return err
		}
		said(fmt.Sprintf("alert rules of %s: %d", group.Name, len(group.Rules)))
	}
	return nil
}

// checkPlugin says how to install the data source where it is missing.
func (g *Grafana) checkPlugin(ctx context.Context) error {
	status, body, err := g.call(ctx, http.MethodGet, "/api/plugins/"+panel.Source.Type+"/settings", nil)
	switch {
	case err != nil:
		return err
	case status == http.StatusNotFound:
		return fmt.Errorf("grafana at %s has no data source for ClickHouse: install it with `grafana cli plugins install %s` (or GF_PLUGINS_PREINSTALL_SYNC=%[2]s in a container) and restart Grafana", g.address, panel.Source.Type)
	}
	return wanted(status, body, "ask for the plugin")
}

// putSource creates the data source or changes the one with its uid, which the sdk only does by number.
func (g *Grafana) putSource(ctx context.Context, o Options) error {
	s, err := o.source()
	if err != nil {
		return err
	}
	path := "/api/datasources/uid/" + s.UID
	status, body, err := g.call(ctx, http.MethodGet, path, nil)
	switch {
	case err != nil:
		return err
	case status == http.StatusNotFound:
		status, body, err = g.call(ctx, http.MethodPost, "/api/datasources", s)
	case status == http.StatusOK:
		status, body, err = g.call(ctx, http.MethodPut, path, s)
	}
	if err != nil {
		return err
	}
	return wanted(status, body, "put the data source")
}

func (g *Grafana) putFolder(ctx context.Context) error {
	f, err := g.sdk.GetFolderByUID(ctx, folderUID)
	if err == nil && f.UID == folderUID {
		return nil
	}
	if _, err = g.sdk.CreateFolder(ctx, sdk.Folder{UID: folderUID, Title: folderName}); err != nil {
		return fmt.Errorf("folder %q: %w", folderName, err)
	}
	return nil
}

// putBoard names the folder by uid: the sdk does so by number, which Grafana is about to forget.
func (g *Grafana) putBoard(ctx context.Context, b board.Board) error {
	text, err := b.JSON()
	if err != nil {
		return err
	}
	status, body, err := g.call(ctx, http.MethodPost, "/api/dashboards/db", map[string]any{"dashboard": json.RawMessage(text), "folderUid": folderUID, "overwrite": true, "message": "streamgauge grafana provision"})
	if err != nil {
		return err
	}
	return wanted(status, body, "put dashboard "+b.Title)
}

// uploadedRule is a rule as the API has it.
type uploadedRule struct {
	alert.JSON
	OrgID     int    `json:"orgID"`
	FolderUID string `json:"folderUID"`
	RuleGroup string `json:"ruleGroup"`
}

func (g *Grafana) putRule(ctx context.Context, group alert.Group, r alert.Rule) error {
	rule := uploadedRule{JSON: r.JSON(), OrgID: orgID, FolderUID: folderUID, RuleGroup: group.Name}
	path := "/api/v1/provisioning/alert-rules/" + r.UID
	status, body, err := g.call(ctx, http.MethodGet, path, nil)
	switch {
	case err != nil:
		return err
	case status == http.StatusNotFound:
		status, body, err = g.call(ctx, http.MethodPost, "/api/v1/provisioning/alert-rules", rule)
	case status == http.StatusOK:
		status, body, err = g.call(ctx, http.MethodPut, path, rule)
	}
	if err != nil {
		return err
	}
	return wanted(status, body, "put alert rule "+r.Title)
}

// setInterval is how often a group is evaluated: rules do not say.
func (g *Grafana) setInterval(ctx context.Context, group alert.Group) error {
	path := "/api/v1/provisioning/folder/" + folderUID + "/rule-groups/" + url.PathEscape(group.Name)
	status, body, err := g.call(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	if err := wanted(status, body, "ask for alert group "+group.Name); err != nil {
		return err
	}
	var whole map[string]any
	if err := json.Unmarshal(body, &whole); err != nil {
		return fmt.Errorf("alert group %s: %w", group.Name, err)
	}
	whole["interval"] = group.Interval
	if status, body, err = g.call(ctx, http.MethodPut, path, whole); err != nil {
		return err
	}
	return wanted(status, body, "set the interval of alert group "+group.Name)
}

// call is one request of the API that the sdk has not.
func (g *Grafana) call(ctx context.Context, method, path string, body any) (status int, answer []byte, err error) {
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		content = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, g.address+path, content)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	// Rules are then free to be edited in Grafana.
	req.Header.Set("X-Disable-Provenance", "true")
	if user, password, ok := strings.Cut(g.auth, ":"); ok {
		req.SetBasicAuth(user, password)
	} else {
		req.Header.Set("Authorization", "Bearer "+g.auth)
	}
	resp, err := g.http.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("ask grafana: %w", err)
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, answerBytesMax))
	return resp.StatusCode, answer, err
}

func wanted(status int, body []byte, doing string) error {
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusUnauthorized:
		return fmt.Errorf("%s: grafana does not know the token: %s", doing, body)
	case status == http.StatusForbidden:
		return fmt.Errorf("%s: the token's role must be Admin: %s", doing, body)
	}
	return fmt.Errorf("%s: grafana answers %d: %.500s", doing, status, body)
}
