//go:build !linux

package kafkatest

import "syscall"

func endsWithParent() *syscall.SysProcAttr { return nil }
