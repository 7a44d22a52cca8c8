package input

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/simulate"
)

// Price reads a number, and the currency after it if it is not USD; nil without a text.
func Price(flag, text string) (*simulate.Price, error) {
	if text == "" {
		return nil, nil
	}
	number := strings.TrimRightFunc(text, unicode.IsLetter)
	currency := strings.ToUpper(text[len(number):])
	perHour, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !(perHour >= 0) || perHour > 1e6 || len(currency) != 0 && len(currency) != 3 {
		return nil, hint.With(fmt.Errorf("%s: %q is no price of a GPU for an hour", flag, text), "for example %s 2.50 or %s 2.50EUR", flag, flag)
	}
	return &simulate.Price{PerHour: perHour, Currency: cmp.Or(currency, "USD")}, nil
}
