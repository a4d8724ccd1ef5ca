package embednats

import (
	"crypto/subtle"
	"net"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	// processUser is this process. Its answers come under a prefix of their own, where jobs may not listen.
	processUser    = "streamgauge"
	processInboxes = "_SG_INBOX"
	// loginWait is how long a login may take, at the start above all: then tokens must be read first.
	loginWait = 10 * time.Second
	// connectionsPage is how many connections one look at the server answers.
	connectionsPage = 1024
)

// Login decides on connections, by the password or token and the address they come from. It is called at once by
// many and may wait.
type Login func(password string, from net.Addr) (Rights, bool)

// Rights are what a connection may do. A list that is nil allows everything, an empty one nothing.
type Rights struct {
	// Name tells connections apart for Kick.
	Name               string
	Publish, Subscribe []string
	// Denied may not be published to, whatever Publish allows.
	Denied []string
	// Until ends the connection; zero: never.
	Until time.Time
}

// doorkeeper is the server's way to ask.
type doorkeeper Server

// Check implements the NATS server's Authentication.
func (d *doorkeeper) Check(c server.ClientAuthentication) bool {
	o := c.GetOpts()
	if o.Username == processUser && subtle.ConstantTimeCompare([]byte(o.Password), []byte(d.secret)) == 1 {
		c.RegisterUser(&server.User{Username: processUser})
		return true
	}
	if d.o.Login == nil {
		return true
	}
	password := o.Password
	if password == "" {
		password = o.Token
	}
	rights, ok := d.o.Login(password, c.RemoteAddress())
	if !ok {
		return false
	}
	c.RegisterUser(&server.User{Username: rights.Name, Permissions: permissions(rights), ConnectionDeadline: rights.Until})
	return true
}

func permissions(r Rights) *server.Permissions {
	if r.Publish == nil && r.Subscribe == nil && r.Denied == nil {
		return nil
	}
	p := &server.Permissions{Publish: only(r.Publish), Subscribe: only(r.Subscribe)}
	p.Publish.Deny = append(p.Publish.Deny, r.Denied...)
	return p
}

// only is what a list allows; for the NATS server an empty list would allow everything.
func only(subjects []string) *server.SubjectPermission {
	if subjects != nil && len(subjects) == 0 {
		return &server.SubjectPermission{Deny: []string{">"}}
	}
	return &server.SubjectPermission{Allow: subjects}
}

// Kick ends the connections whose names are not wanted any more; their programs log in anew.
func (s *Server) Kick(unwanted func(name string) bool) {
	s.mu.Lock()
	current := s.current
	s.mu.Unlock()
	if current == nil {
		return
	}
	for offset := 0; ; offset += connectionsPage {
		page, err := current.Connz(&server.ConnzOptions{Username: true, Offset: offset, Limit: connectionsPage, Sort: server.ByCid})
		if err != nil {
			s.o.Log.Warn("list NATS connections", "error", err)
			return
		}
		for _, c := range page.Conns {
			if c.AuthorizedUser != processUser && unwanted(c.AuthorizedUser) {
				_ = current.DisconnectClientByID(c.Cid) // it may be gone already
			}
		}
		if len(page.Conns) < connectionsPage {
			return
		}
	}
}
