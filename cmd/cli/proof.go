package cli

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"

	"github.com/streamgauge/streamgauge/cmd/app"
	"github.com/streamgauge/streamgauge/cmd/vault"
)

// tokenEnv holds a token for any server.
const tokenEnv = "STREAMGAUGE_TOKEN"

// proof shows a server who asks: by a token of the environment, else as the owner of the data folder that the
// server runs on. The owner's token goes to no other server.
type proof struct {
	getenv func(string) string
	// dir is the data folder; "" is the one of `up` without flags.
	dir string
}

// send sends a request with the proof.
func (p *proof) send(req *http.Request) (*http.Response, error) {
	own, isOwn := p.ownServer(req.URL)
	if token := p.getenv(tokenEnv); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	} else if owner, err := vault.OwnerToken(p.folder()); err == nil && isOwn {
		req.Header.Set("Authorization", "Bearer "+owner)
	}
	client := *http.DefaultClient
	if isOwn && own.CertificateSHA256 != "" {
		client.Transport = &http.Transport{TLSClientConfig: pinned(own.CertificateSHA256), DisableKeepAlives: true}
	}
	// A token must not follow a redirection to somewhere else.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client.Do(req)
}

func (p *proof) folder() string {
	return cmp.Or(p.dir, p.getenv(app.EnvName("data")), app.DataHome(p.getenv))
}

// ownServer says whether a URL is of the server that runs on the data folder. One that only ran there, and left
// its ports behind for another program, does not count.
func (p *proof) ownServer(u *url.URL) (app.Ports, bool) {
	ports, err := app.ReadPorts(p.folder())
	if err != nil || !app.Held(p.folder()) {
		return ports, false
	}
	own, err := url.Parse(ports.URL())
	return ports, err == nil && own.Scheme == u.Scheme && own.Host == u.Host
}

// pinned accepts one certificate, whatever name it is for: the owner's programs know it from the data folder.
func pinned(sum string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		// VerifyPeerCertificate does what is skipped here.
		InsecureSkipVerify: true,
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			if len(raw) > 0 {
				if got := sha256.Sum256(raw[0]); hex.EncodeToString(got[:]) == sum {
					return nil
				}
			}
			return errors.New("the server shows another certificate than the one that ports.json names")
		},
	}
}
