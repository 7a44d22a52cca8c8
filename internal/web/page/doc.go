// Package page has what pages are drawn with, the live one and reports: styles, charts and
// modules, and makes one file of a document that links to them.
//
// INV-1: a document that is made whole asks for nothing, and runs no script but its own.
// INV-2: data in a whole document does not end the script in which it stands.
//
// It deliberately knows neither what is drawn nor who asks for it.
package page
