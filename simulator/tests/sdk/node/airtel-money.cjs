// One call of airtel-money-node-sdk, which reads its settings from the environment.
const { answer, wish } = require('./wish.cjs')

Object.assign(process.env, wish.settings, { AIRTEL_API_BASE_URL: wish.url })
console.log = console.error // it tells its steps where our answer goes
const airtel = require('airtel-money-node-sdk')
answer(airtel[wish.method](...wish.arguments))
