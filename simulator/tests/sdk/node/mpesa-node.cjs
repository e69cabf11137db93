// One call of mpesa-node: the method and its arguments as JSON on standard input.
const Mpesa = require('mpesa-node')
const { answer, wish } = require('./wish.cjs')

const mpesa = new Mpesa(wish.settings)
mpesa.baseURL = wish.url
answer(mpesa[wish.method](...wish.arguments).then((response) => response.data))
