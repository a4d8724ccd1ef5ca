package presence

import "golang.org/x/sys/unix"

// hungUp also sees an end behind bytes that nobody has read yet, as TLS sends some when it closes.
func hungUp(fd int) bool {
	look := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	n, err := unix.Poll(look, 0)
	return err == nil && n > 0 && look[0].Revents&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0
}
