(* Finite sums over the places 0 .. n-1, for every n. *)
From Coq Require Import Reals Lra Lia.
Open Scope R_scope.

Fixpoint bsum (n : nat) (f : nat -> R) : R :=
  match n with O => 0 | S m => bsum m f + f m end.

Lemma bsum_ext n f g : (forall k, (k < n)%nat -> f k = g k) -> bsum n f = bsum n g.
Proof. induction n; simpl; intros H; auto. rewrite IHn, H; auto. Qed.
Lemma bsum_plus n f g : bsum n (fun k => f k + g k) = bsum n f + bsum n g.
Proof. induction n; simpl; [lra | rewrite IHn; ring]. Qed.
Lemma bsum_minus n f g : bsum n (fun k => f k - g k) = bsum n f - bsum n g.
Proof. induction n; simpl; [lra | rewrite IHn; ring]. Qed.
Lemma bsum_scal n c f : bsum n (fun k => c * f k) = c * bsum n f.
Proof. induction n; simpl; [lra | rewrite IHn; ring]. Qed.
Lemma bsum_scalr n c f : bsum n (fun k => f k * c) = bsum n f * c.
Proof. induction n; simpl; [lra | rewrite IHn; ring]. Qed.
Lemma bsum_const n c : bsum n (fun _ => c) = INR n * c.
Proof. induction n; [simpl; lra |]. rewrite S_INR; simpl; rewrite IHn; ring. Qed.
Lemma bsum_le n f g : (forall k, (k < n)%nat -> f k <= g k) -> bsum n f <= bsum n g.
Proof. induction n; simpl; intros H; [lra|]. apply Rplus_le_compat; auto. Qed.
Lemma bsum_ge0 n f : (forall k, (k < n)%nat -> 0 <= f k) -> 0 <= bsum n f.
Proof. intros H. replace 0 with (bsum n (fun _ => 0)). apply bsum_le; auto.
  rewrite bsum_const; ring. Qed.
Lemma bsum_eq0 n f : (forall k, (k < n)%nat -> 0 <= f k) -> bsum n f = 0 ->
  forall k, (k < n)%nat -> f k = 0.
Proof. induction n; simpl; intros H E k Hk; [lia|].
  assert (0 <= bsum n f) by (apply bsum_ge0; auto).
  assert (0 <= f n) by auto.
  destruct (Nat.eq_dec k n); [subst; lra|]. apply IHn; auto; [lra|lia]. Qed.
Lemma bsum_pos n f : (0 < n)%nat -> (forall k, (k < n)%nat -> 0 < f k) -> 0 < bsum n f.
Proof. destruct n; [lia|]. intros _ H. simpl.
  assert (0 <= bsum n f) by (apply bsum_ge0; intros; apply Rlt_le; auto).
  assert (0 < f n) by auto. lra. Qed.

Lemma bsum_swap n m (g : nat -> nat -> R) :
  bsum n (fun i => bsum m (g i)) = bsum m (fun j => bsum n (fun i => g i j)).
Proof. induction n; simpl.
  - rewrite bsum_const; ring.
  - rewrite IHn, <- bsum_plus. apply bsum_ext; auto. Qed.
Lemma bsum_app n m f : bsum (n + m) f = bsum n f + bsum m (fun k => f (n + k)%nat).
Proof. induction m; simpl.
  - rewrite Nat.add_0_r; ring.
  - rewrite Nat.add_succ_r; simpl. rewrite IHm; ring. Qed.
Lemma bsum_single n i c : (i < n)%nat -> bsum n (fun j => if Nat.eqb i j then c j else 0) = c i.
Proof. revert i. induction n as [|m IH]; intros i Hi; [lia|]. simpl.
  destruct (Nat.eqb_spec i m).
  - subst. rewrite (bsum_ext m _ (fun _ => 0)). rewrite bsum_const. ring.
    intros j Hj. destruct (Nat.eqb_spec m j); auto. lia.
  - rewrite IH by lia. ring. Qed.
