# Functions that call their argument, written by hand: with unwind tables of several kinds, and with none. For
# unwind_subject.c.

# What a careful author writes: rbp is an ordinary register here.
	.text
	.globl	hand_with_tables
	.type	hand_with_tables, @function
hand_with_tables:
	.cfi_startproc
	push	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	push	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	mov	$0x1234567, %ebp
	sub	$72, %rsp
	.cfi_adjust_cfa_offset 72
	.cfi_remember_state
	call	*%rdi
	add	$72, %rsp
	.cfi_adjust_cfa_offset -72
	pop	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbp
	pop	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	ret
	.cfi_endproc
	.size	hand_with_tables, . - hand_with_tables

# The stack is aligned, its former place is saved on it: CFA = *(rsp + 8) + 8, as in cryptographic libraries.
	.globl	hand_by_expression
	.type	hand_by_expression, @function
hand_by_expression:
	.cfi_startproc
	mov	%rsp, %rax
	sub	$64, %rsp
	and	$-64, %rsp
	mov	%rax, 8(%rsp)
	# DW_CFA_def_cfa_expression, 5 bytes: breg7 8, deref, plus_uconst 8
	.cfi_escape 0x0f, 0x05, 0x77, 0x08, 0x06, 0x23, 0x08
	call	*%rdi
	mov	8(%rsp), %rsp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size	hand_by_expression, . - hand_by_expression

# The CFA hangs on a register that is not known above a call.
	.globl	hand_by_other_register
	.type	hand_by_other_register, @function
hand_by_other_register:
	.cfi_startproc
	push	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	mov	%rsp, %rbx
	.cfi_def_cfa_register %rbx
	and	$-128, %rsp
	call	*%rdi
	mov	%rbx, %rsp
	.cfi_def_cfa_register %rsp
	pop	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	ret
	.cfi_endproc
	.size	hand_by_other_register, . - hand_by_other_register

# Described by a frame pointer only.
	.globl	hand_with_frame_pointer
	.type	hand_with_frame_pointer, @function
hand_with_frame_pointer:
	.cfi_startproc
	push	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	sub	$4096, %rsp
	and	$-32, %rsp
	call	*%rdi
	leave
	.cfi_restore %rbp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size	hand_with_frame_pointer, . - hand_with_frame_pointer

# The caller's frame pointer is in another register meanwhile, and in its own is the second argument, which looks like a frame
# and is none.
	.globl	hand_moves_frame_pointer
	.type	hand_moves_frame_pointer, @function
hand_moves_frame_pointer:
	.cfi_startproc
	push	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r12, 0
	mov	%rbp, %r12
	.cfi_register %rbp, %r12
	sub	$32, %rsp
	.cfi_adjust_cfa_offset 32
	mov	%rsi, %rbp
	call	*%rdi
	mov	%r12, %rbp
	.cfi_restore %rbp
	add	$32, %rsp
	.cfi_adjust_cfa_offset -32
	pop	%r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r12
	ret
	.cfi_endproc
	.size	hand_moves_frame_pointer, . - hand_moves_frame_pointer

# Reads what its argument points to, by the first instruction after one that has changed the frame: interrupted there, the
# frame is not that of the instruction before.
	.globl	hand_reads
	.type	hand_reads, @function
hand_reads:
	.cfi_startproc
	push	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	movzbl	(%rdi), %eax
	pop	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	ret
	.cfi_endproc
	.size	hand_reads, . - hand_reads

# Nothing says how to get out of this one.
	.globl	hand_without_tables
	.type	hand_without_tables, @function
hand_without_tables:
	push	%rbx
	push	%rbp
	lea	-200(%rsp), %rsp
	xor	%ebp, %ebp
	call	*%rdi
	lea	200(%rsp), %rsp
	pop	%rbp
	pop	%rbx
	ret
	.size	hand_without_tables, . - hand_without_tables

	.section .note.GNU-stack, "", @progbits
