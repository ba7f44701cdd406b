import { startTestStack } from './stack.setup.ts'

/** A stack for tests that leave on their servers what an audit of the others would rightly call a violation. */
export default startTestStack
