/* SPDX-License-Identifier: MIT */
#include "vmm/control.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vmm/vcpu.h"

int control_init(struct control *control, struct marks *marks, struct err *e)
{
	memset(control, 0, sizeof(*control));
	control->marks = marks;
	(void)pthread_mutex_init(&control->lock, NULL);
	control->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (control->wake_fd < 0)
		return err_sys(e, errno, "no event descriptor can be had");
	return 0;
}

void control_finish(struct control *control)
{
	if (control->wake_fd >= 0)
		(void)close(control->wake_fd);
	control->wake_fd = -1;
	(void)pthread_mutex_destroy(&control->lock);
}

void control_end(struct control *control, const struct ending *ending)
{
	(void)pthread_mutex_lock(&control->lock);
	if (control->ending.kind == ENDING_NONE) {
		mark_now(control->marks, MARK_END);
		control->ending = *ending;
		__atomic_store_n(&control->stop, true, __ATOMIC_RELEASE);
	}
	(void)pthread_mutex_unlock(&control->lock);
	if (control->vcpu)
		vcpu_kick(control->vcpu);
	control_wake(control);
}

void control_end_kind(struct control *control, enum ending_kind kind)
{
	control_end(control, &(struct ending){ .kind = kind });
}

void control_ask_to_look(struct control *control)
{
	__atomic_store_n(&control->look, true, __ATOMIC_RELEASE);
	if (control->vcpu)
		vcpu_kick(control->vcpu);
}

void control_wake(struct control *control)
{
	uint64_t one = 1;

	(void)!write(control->wake_fd, &one, sizeof(one)); /* full means: it is awake already */
}

void control_clear_wake(struct control *control)
{
	uint64_t count;

	(void)!read(control->wake_fd, &count, sizeof(count));
}
