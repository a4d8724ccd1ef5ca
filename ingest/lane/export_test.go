package lane

// Waiting is the number of requests in a lane's queue, the group in flight not counted.
func (l *Lanes) Waiting(laneNumber uint16) int {
	l.mu.RLock()
	p := l.publishers[laneNumber]
	l.mu.RUnlock()
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting)
}
