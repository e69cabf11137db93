// What a test wants of a client, and how the client's own result, or its error, is told to the test.
const { readFileSync, writeSync } = require('fs')

const wish = JSON.parse(readFileSync(0, 'utf8'))

function answer(promise) {
  promise.then(
    (result) => tell({ result }),
    (error) => tell({ error: { message: error.message, answer: error.response?.data } })
  )
}

function tell(what) {
  writeSync(1, JSON.stringify(what))
}

module.exports = { answer, wish }
