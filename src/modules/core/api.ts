/** What the core's functions offer other modules. */
export { forwardReply } from './forward.ts';
