/**
 * Who may come in, and what they may do. Knows keys and limits; nothing of doors, jobs' lives or routes.
 */
package io.flux.access;
