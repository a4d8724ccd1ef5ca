// Package dial finds the way to a server from its address: over HTTP, straight to NATS, or to a topic of Kafka.
//
//	http://127.0.0.1:5000       frames and files
//	nats://127.0.0.1:4222       frames
//	kafka://one:9092,two:9092/sg.points?lanes=4
//
// Nothing is asked of a server before something is sent, and one that is away is tried again for ever.
package dial

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	streamgauge "github.com/streamgauge/streamgauge/clients/go"
	"github.com/streamgauge/streamgauge/clients/go/spool"
	"github.com/streamgauge/streamgauge/clients/go/spool/files"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/topic"
)

// requestTimeout bounds one request over HTTP.
const requestTimeout = 2 * time.Minute

// Options are what an address does not say.
type Options struct {
	// Token is of role write.
	Token string
	// Kafka is how brokers are spoken to.
	Kafka topic.Access
	// Warned is told what the server says of frames that it took and that will not become what their sender thinks.
	Warned func(message string)
}

// Server is where spools go.
type Server struct {
	// Address is without user and password.
	Address string
	// HTTP: it takes files, too.
	HTTP bool
	open func() (streamgauge.Transport, func(), error)
	// files is nil where there is no HTTP.
	files *files.Uploader
	close func()
}

// Way is the way of spools.
func (s *Server) Way() spool.Way { return spool.Way{Open: s.open, Files: s.files} }

// Close ends the connections.
func (s *Server) Close() { s.close() }

// To understands an address; its error says how one looks.
func To(address string, o Options) (*Server, error) {
	u, err := parse(address)
	if err == nil && u.Host != "" {
		switch u.Scheme {
		case "http", "https":
			return toHTTP(u, o)
		case "nats", "tls":
			return toNATS(u, o)
		case "kafka":
			return toKafka(Plain(address), u, o)
		}
	}
	return nil, fmt.Errorf("the server's address %q is none; it must be like http://127.0.0.1:5000, nats://127.0.0.1:4222 or kafka://127.0.0.1:9092/%s", Plain(address), topic.NameDefault)
}

// parse is url.Parse for addresses that may name several hosts, which are Host as they are.
func parse(address string) (*url.URL, error) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok || !strings.Contains(rest, ",") {
		return url.Parse(address)
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	u, err := url.Parse(scheme + "://hosts" + rest[end:])
	if err == nil {
		u.Host = rest[:end]
	}
	return u, err
}

// Plain is an address without user and password.
func Plain(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address
	}
	host, path, slash := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		host = host[at+1:]
	}
	if slash {
		path = "/" + path
	}
	return scheme + "://" + host + strings.TrimRight(path, "/")
}

func toHTTP(u *url.URL, o Options) (*Server, error) {
	u.User = nil
	u.Path = strings.TrimRight(u.Path, "/")
	client := &http.Client{
		Timeout: requestTimeout,
		// A token must not follow a redirection to somewhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	to, err := streamgauge.NewHTTP(u.String(), streamgauge.HTTPOptions{Token: o.Token, Client: client, Warned: o.Warned})
	if err != nil {
		return nil, err
	}
	return &Server{
		Address: u.String(), HTTP: true, close: client.CloseIdleConnections,
		open:  func() (streamgauge.Transport, func(), error) { return to, func() {}, nil },
		files: files.NewUploader(u.String(), o.Token, nil),
	}, nil
}

func toKafka(plain string, u *url.URL, o Options) (*Server, error) {
	if u.User != nil || strings.Contains(u.Host, "@") {
		return nil, fmt.Errorf("%s comes with a user; name it with --kafka-user and the password in STREAMGAUGE_KAFKA_PASSWORD", plain)
	}
	lanes := 0
	if said := u.Query().Get("lanes"); said != "" {
		var err error
		if lanes, err = strconv.Atoi(said); err != nil || lanes < 1 || lanes > bus.LanesMax {
			return nil, fmt.Errorf("lanes=%s of %s: must be from 1 to %d, the server's --lanes", said, plain, bus.LanesMax)
		}
	}
	if name, rest, ok := strings.Cut(strings.Trim(u.Path, "/"), "/"); ok {
		return nil, fmt.Errorf("%s names topic %s, and then %q; it must be like kafka://127.0.0.1:9092/%s", plain, name, rest, topic.NameDefault)
	}
	if err := o.Kafka.Check(); err != nil {
		return nil, err
	}
	brokers, name := strings.Split(u.Host, ","), strings.Trim(u.Path, "/")
	return &Server{Address: plain, close: func() {}, open: func() (streamgauge.Transport, func(), error) {
		to, err := streamgauge.NewKafkaAs(brokers, name, uint16(lanes), o.Kafka)
		if err != nil {
			return nil, nil, err
		}
		return to, to.Close, nil
	}}, nil
}
