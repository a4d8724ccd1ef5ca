package embednats

import (
	"crypto/subtle"
	"fmt"
	"net"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	// processUser is this process. Its answers come under a prefix of their own, where jobs may not listen.
	processUser    = "streamgauge"
	processInboxes = "_SG_INBOX"
	// inboxes are where NATS answers jobs: acknowledgements.
	inboxes         = "_INBOX.>"
	jobsAccountName = "JOBS"
	// loginWait is how long a login may take, at the start above all: then tokens must be read first.
	loginWait = 10 * time.Second
	// connectionsPage is how many connections one look at the server answers.
	connectionsPage = 1024
)

// Login decides on connections, by the password or token and the address they come from. It is called at once by
// many and may wait.
type Login func(password string, from net.Addr) (Rights, bool)

// Rights are what a connection may do.
type Rights struct {
	// Name tells connections apart for Kick.
	Name string
	// All lets it do everything. Else it may publish to the subjects that Options.Jobs names, and hear what is answered.
	All bool
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
	user := &server.User{Username: rights.Name, ConnectionDeadline: rights.Until}
	if !rights.All {
		user.Account, user.Permissions = (*Server)(d).jobsAccount(), jobRights(d.o.Jobs)
		if user.Account == nil {
			return false
		}
	}
	c.RegisterUser(user)
	return true
}

// jobRights are for connections in the account of jobs.
func jobRights(subjects []string) *server.Permissions {
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: subjects},
		Subscribe: &server.SubjectPermission{Allow: []string{inboxes}},
	}
}

// openJobs makes the account of jobs. It is apart from that of the streams, for NATS looks at the subject that is
// published to and not at the one that is to be answered: within one account a job could have an acknowledgement
// sent over any document. The answers of another account's service reach nobody but who asked.
func openJobs(n *server.Server, subjects []string) (*server.Account, error) {
	streams := n.GlobalAccount()
	jobs, err := n.RegisterAccount(jobsAccountName)
	if err != nil {
		return nil, fmt.Errorf("make the NATS account of jobs: %w", err)
	}
	for _, subject := range subjects {
		if err := streams.AddServiceExport(subject, []*server.Account{jobs}); err != nil {
			return nil, fmt.Errorf("let jobs publish to %s: %w", subject, err)
		}
		if err := jobs.AddServiceImport(streams, subject, subject); err != nil {
			return nil, fmt.Errorf("let jobs publish to %s: %w", subject, err)
		}
	}
	return jobs, nil
}

// jobsAccount waits until the account is there: a server listens a moment before.
func (s *Server) jobsAccount() *server.Account {
	s.mu.Lock()
	ready := s.jobsReady
	s.mu.Unlock()
	select {
	case <-ready:
	case <-time.After(loginWait):
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.jobs
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
