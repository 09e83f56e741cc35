/** All transformations of module pv. */
import type { Transformation } from '../../kemi/pv-types.ts';
import { codecs } from './tr-codec.ts';
import { regexes } from './tr-regex.ts';
import { sip } from './tr-sip.ts';
import { strings } from './tr-string.ts';
import { texts } from './tr-text.ts';

export const transformations: readonly Transformation[] = [...strings, ...codecs, ...sip, ...texts, ...regexes];
