// Package page clicks through the live page (internal/web) in headless Chromium, on made-up
// clusters (internal/web/webtest), and a report of flyball simulate --html: what is drawn, how
// fast, and the pictures of the docs.
//
// It is a module of its own: the driver of the browser is nothing that ships.
package page
