package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/streamgauge/streamgauge/cmd/access"
	"github.com/streamgauge/streamgauge/cmd/app"
	"github.com/streamgauge/streamgauge/cmd/vault"
)

func newToken() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make, list and revoke access tokens",
		Long: `Make, list and revoke access tokens.

As long as there is no token, the server listens on this machine alone and serves everybody here. From the first
token on every request needs one. On the server's own machine these commands need none, for who owns the data
folder (--data); from elsewhere they need a token of role admin in STREAMGAUGE_TOKEN, and --url.`,
	}
	cmd.AddCommand(newTokenCreate(), newTokenList(), newTokenRevoke())
	return cmd
}

// desk is where tokens are managed: a server, or the data folder while none runs on it.
type desk interface {
	create(ctx context.Context, w vault.Wish) (vault.Made, error)
	list(ctx context.Context) (vault.Tokens, error)
	revoke(ctx context.Context, which string) (vault.Revoked, error)
}

// addDesk defines --data and --url and gives what opens the desk that they name.
func addDesk(cmd *cobra.Command) func() (desk, func(), error) {
	var dir, server string
	addData(cmd, &dir)
	cmd.Flags().StringVar(&server, "url", os.Getenv(urlEnv), "address of the server, also "+urlEnv+" (default: the one that runs on the data folder)")
	return func() (desk, func(), error) {
		c := &client{url: server, proof: proof{getenv: os.Getenv, dir: dir}}
		if server == "" && !app.Held(dir) {
			v, done, err := app.OfflineTokens(cmd.Context(), dir, slog.New(slog.DiscardHandler))
			return folderDesk{v}, done, err
		}
		if server == "" {
			ports, err := app.ReadPorts(dir)
			if err != nil {
				return nil, nil, fmt.Errorf("the server on %s is still starting; try again in a moment", dir)
			}
			c.url = ports.URL()
		}
		return serverDesk{c}, func() {}, nil
	}
}

// serverDesk asks a running server.
type serverDesk struct{ c *client }

func (d serverDesk) create(ctx context.Context, w vault.Wish) (out vault.Made, err error) {
	in := map[string]any{"name": w.Name, "role": w.Role.String(), "experiments": w.Experiments, "expires_ms": w.ExpiresMS}
	return out, d.c.post(ctx, "/v1/tokens", in, &out)
}

func (d serverDesk) list(ctx context.Context) (out vault.Tokens, err error) {
	return out, d.c.get(ctx, "/v1/tokens", nil, &out)
}

func (d serverDesk) revoke(ctx context.Context, which string) (out vault.Revoked, err error) {
	return out, d.c.json(ctx, http.MethodDelete, "/v1/tokens/"+url.PathEscape(which), nil, &out)
}

// folderDesk works on a data folder that no server holds.
type folderDesk struct{ v *vault.Vault }

func (d folderDesk) create(ctx context.Context, w vault.Wish) (vault.Made, error) {
	now := time.Now()
	token, t, err := d.v.Create(ctx, w, access.OwnerID, now)
	return vault.Made{Token: token, Shown: vault.Show(t, now)}, err
}

func (d folderDesk) list(context.Context) (vault.Tokens, error) { return d.v.Shown(time.Now()), nil }

func (d folderDesk) revoke(ctx context.Context, which string) (vault.Revoked, error) {
	now := time.Now()
	t, err := d.v.Revoke(ctx, which, access.OwnerID, now)
	return vault.Revoked{Shown: vault.Show(t, now), Last: d.v.Empty()}, err
}

func newTokenCreate() *cobra.Command {
	var w vault.Wish
	var role, expires string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make a token and print it, this once",
		Example: `  export MLFLOW_TRACKING_TOKEN=$(streamgauge token create --role write)
  streamgauge token create --role write --experiment wine --name ci --expires 30d`,
		Args: cobra.NoArgs,
	}
	open := addDesk(cmd)
	f := cmd.Flags()
	f.StringVar(&role, "role", "", "read, write or admin; required")
	f.StringArrayVarP(&w.Experiments, "experiment", "e", nil, "name or id of an experiment to confine the token to, may be repeated; one that is not there yet may be named (default: all)")
	f.StringVar(&w.Name, "name", "", "how history calls who used it (default: its id)")
	f.StringVar(&expires, "expires", "", "how long it is good for, as in 30d, 12h (default: until it is revoked)")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if w.Role, err = access.ParseRole(role); err != nil {
			return fmt.Errorf("--role: %w", err)
		}
		if w.ExpiresMS, err = expiry(expires, time.Now()); err != nil {
			return err
		}
		d, done, err := open()
		if err != nil {
			return err
		}
		defer done()
		made, err := d.create(cmd.Context(), w)
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), made)
		}
		// The token alone goes to standard output, so that a script can take it.
		fmt.Fprintf(cmd.ErrOrStderr(), "This token is shown once: role %s, %s, id %s. The server asks every request for one now.\n", made.Role, reach(made.Shown), made.ID)
		_, err = fmt.Fprintln(cmd.OutOrStdout(), made.Token)
		return err
	}
	return cmd
}

// expiry reads how long a token is good for; besides Go's durations it knows days.
func expiry(text string, now time.Time) (int64, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n float64
		n, err = strconv.ParseFloat(days, 64)
		d = time.Duration(n * float64(24*time.Hour))
	}
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("--expires %s: want a time as in 30d or 12h", text)
	}
	return now.Add(d).UnixMilli(), nil
}

func reach(t vault.Shown) string {
	if len(t.Experiments) == 0 {
		return "all experiments"
	}
	return "experiments " + strings.Join(t.Experiments, ", ")
}

func newTokenList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "list", Short: "List the tokens that are not revoked", Args: cobra.NoArgs}
	open := addDesk(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		d, done, err := open()
		if err != nil {
			return err
		}
		defer done()
		all, err := d.list(cmd.Context())
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), all.Tokens)
		}
		t := newTerminal(cmd.OutOrStdout(), os.Getenv)
		if len(all.Tokens) == 0 {
			fmt.Fprintln(t, "no tokens: the server serves everybody on its machine; make one with `streamgauge token create`")
			return nil
		}
		tb := &table{header: []string{"ID", "NAME", "ROLE", "EXPERIMENTS", "CREATED", "BY", "EXPIRES", "LAST USED"}}
		for _, s := range all.Tokens {
			expires := cmp.Or(map[bool]string{true: "expired"}[s.Expired], formatTime(s.ExpiresMS))
			tb.rows = append(tb.rows, []string{
				s.ID, s.Name, s.Role, cmp.Or(strings.Join(s.Experiments, ", "), "all"),
				formatTime(s.CreatedMS), s.CreatedBy, expires, formatTime(s.UsedMS),
			})
		}
		return t.table(tb, nil)
	}
	return cmd
}

func newTokenRevoke() *cobra.Command {
	cmd := &cobra.Command{
		Use: "revoke ID", Short: "End a token at once, by its id or its name",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("name one token by its id or name; `streamgauge token list` shows them")
			}
			return nil
		},
	}
	open := addDesk(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		d, done, err := open()
		if err != nil {
			return err
		}
		defer done()
		gone, err := d.revoke(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "revoked %s (%s)\n", gone.ID, gone.Name)
		if gone.Last {
			fmt.Fprintln(cmd.ErrOrStderr(), "No token is left: a server that listens on loopback serves everybody on its machine again.")
		}
		return nil
	}
	return cmd
}
