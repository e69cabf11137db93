// One call of @openpesa/pesa-js: the method and its arguments as JSON on standard input.
const { Pesa } = require('@openpesa/pesa-js')
const { answer, wish } = require('./wish.cjs')

const pesa = new Pesa(wish.settings)
pesa.baseURL = `${wish.url}/sandbox/`
answer(pesa[wish.method](...wish.arguments))
