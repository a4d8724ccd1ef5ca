// Package gate stands between HTTP and every route.
//
//	request -> Enter: Host, Origin, token -> the route's own guard: role, scope -> handler
//
// Enter is the same for all, so an address without a route tells nothing to who has no token. What a route needs
// is known when it is registered: Router puts a guard before each handler, by the rules of package access. While
// no token exists nobody has to show one, unless the server can be reached from elsewhere.
package gate
