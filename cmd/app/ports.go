package app

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// checkPorts says at once which ports are taken, by whom, and which flag moves each. ClickHouse's ports that
// were left to the system are chosen here, for the engine cannot.
func checkPorts(c *Config) error {
	var held []net.Listener
	defer func() {
		for _, l := range held {
			_ = l.Close()
		}
	}()
	var taken []error
	for _, a := range c.addresses() {
		l, err := net.Listen("tcp", *a.at)
		if err != nil {
			taken = append(taken, takenPort(a, err))
			continue
		}
		held = append(held, l)
		if a.name == "ClickHouse" || a.name == "ClickHouse HTTP" {
			*a.at = l.Addr().String()
		}
	}
	return errors.Join(taken...)
}

// checkPort refuses what no port is.
func checkPort(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return errors.New("want host:port, as in 127.0.0.1:5000")
	}
	if _, err := net.LookupPort("tcp", port); err != nil || port == "" {
		return fmt.Errorf("%q is no port; want a number from 0 to 65535", port)
	}
	return nil
}

func takenPort(a address, err error) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s: %s; choose another address with --%s", a.name, DescribeTaken(*a.at, err), a.flag)
	}
	return fmt.Errorf("%s: %s; stop that or choose another address with --%s", a.name, DescribeTaken(*a.at, err), a.flag)
}

// DescribeTaken says why an address cannot be listened on, with the owner of the port if it can be found.
func DescribeTaken(addr string, err error) string {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Sprintf("cannot listen on %s: %v", addr, err)
	}
	owner := "another program"
	if _, text, err := net.SplitHostPort(addr); err == nil {
		if port, err := strconv.ParseUint(text, 10, 16); err == nil {
			if o := PortOwner(uint16(port)); o != "" {
				owner = o
			}
		}
	}
	return fmt.Sprintf("port %s is taken by %s", addr, owner)
}
