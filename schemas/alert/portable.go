package alert

import (
	"encoding/json"
	"net/url"
	"strings"
)

// LeftOut ends an address of which an export has only the host: paths and queries of receivers are secrets.
const LeftOut = "/left-out-of-the-export"

// Portable is a rule's text without what is secret: secrets of channels, and of their addresses all but the host, where there is more. Done
// again it changes nothing. secret says which channels have one.
func Portable(text []byte, secret func(channel int) bool) ([]byte, error) {
	var r Rule
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, err
	}
	for i := range r.Channels {
		r.Channels[i].leaveOut(secret(i))
	}
	return json.Marshal(r)
}

func (c *Channel) leaveOut(secret bool) {
	secret = secret || c.HasSecret || c.Secret != ""
	c.Secret, c.HasSecret = "", false
	if c.URL == "" {
		return
	}
	at, err := url.Parse(c.URL)
	switch {
	case err != nil || at.Host == "":
		c.URL = LeftOut
	case secret || at.User != nil || strings.Trim(at.Path, "/") != "" || at.RawQuery != "" || at.Fragment != "":
		c.URL = at.Scheme + "://" + at.Host + LeftOut
	}
}

// whole says that nothing was left out of a channel.
func (c *Channel) whole() error {
	if strings.HasSuffix(c.URL, LeftOut) {
		return wrong("channels.url", "'%.80s' is what an export has left of it; give the channel its whole address, and its secret if it had one, before the alert is enabled", c.URL)
	}
	return nil
}
