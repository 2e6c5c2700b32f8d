(* What the error variance of a random batch estimates. Nothing is assumed of the draws but what an
   expectation is, and how a pair of different draws is distributed. *)
From Coq Require Import Reals Lra Lia FunctionalExtensionality.
From GAR Require Import Sums Formulas Batch Merging.
Open Scope R_scope.

Definition ones (_ : nat) := 1.
Lemma ones_weight n : W n ones = INR n.
Proof. unfold W, ones. rewrite bsum_const. ring. Qed.
Lemma ones_squares n : bsum n (fun i => ones i ^ 2) = INR n.
Proof. unfold ones. rewrite (bsum_ext n _ (fun _ => 1)) by (intros; ring). rewrite bsum_const. ring. Qed.
Lemma ones_distinct n : distinct n ones (fun _ _ => 1) = INR n * (INR n - 1).
Proof. rewrite distinct_weight, ones_weight, ones_squares. ring. Qed.
Lemma ones_nonneg n i : (i < n)%nat -> 0 <= ones i.
Proof. unfold ones. intros; lra. Qed.

Section Draws.
Variable Outcome : Type.
Variable expect : (Outcome -> R) -> R.
Hypothesis expect_plus : forall g h, expect (fun o => g o + h o) = expect g + expect h.
Hypothesis expect_scal : forall c g, expect (fun o => c * g o) = c * expect g.
Variables B N : nat.
Hypothesis batch_nonempty : (0 < B)%nat.
Hypothesis samples_nonempty : (0 < N)%nat.
Variable draw : nat -> Outcome -> nat.   (* which sample a draw is *)
Variables f y : nat -> R.
Variable conventional : nat -> R.
Variable s : Shifts.
Let BR : 0 < INR B. Proof. apply lt_0_INR; auto. Qed.
Let NR : 0 < INR N. Proof. apply lt_0_INR; auto. Qed.
Let square_gap i j := / 2 * ((f i - f j) - (y i - y j)) ^ 2.
Definition batch_moments (o : Outcome) :=
  code_moments B ones (fun a => f (draw a o)) (fun a => y (draw a o)) (fun a => conventional (draw a o)) s.
Definition all_moments := code_moments N ones f y conventional s.

Lemma expect_bsum n (g : nat -> Outcome -> R) :
  expect (fun o => bsum n (fun k => g k o)) = bsum n (fun k => expect (g k)).
Proof. induction n; simpl.
  - replace (fun _ : Outcome => 0) with (fun o : Outcome => 0 * (fun _ => 0) o)
      by (apply functional_extensionality; intros; ring). rewrite expect_scal. ring.
  - rewrite expect_plus, IHn. reflexivity. Qed.

Variable v : R.
Hypothesis pair_expectation : forall a b, (a < B)%nat -> (b < B)%nat -> a <> b ->
  expect (fun o => square_gap (draw a o) (draw b o)) = v.

Lemma batch_by_pairs : expect (fun o => error_variance (batch_moments o)) = (INR B - 1) / INR B * v.
Proof.
  replace (fun o => error_variance (batch_moments o))
    with (fun o => / INR B ^ 2 * bsum B (fun a => bsum B (fun b => square_gap (draw a o) (draw b o)))).
  - rewrite expect_scal, expect_bsum.
    rewrite (bsum_ext B _ (fun a => bsum B (fun b => v * (if Nat.eqb a b then 0 else 1)))).
    + replace (bsum B (fun a => bsum B (fun b => v * (if Nat.eqb a b then 0 else 1))))
        with (v * distinct B ones (fun _ _ => 1)).
      * rewrite ones_distinct. field. lra.
      * unfold distinct, pairs. rewrite <- bsum_scal. apply bsum_ext. intros a _.
        rewrite <- bsum_scal. apply bsum_ext. intros b _. unfold ones. ring.
    + intros a Ha. rewrite expect_bsum. apply bsum_ext. intros b Hb.
      destruct (Nat.eqb_spec a b) as [<-|D]; [|rewrite pair_expectation by auto; ring].
      replace (fun o : Outcome => square_gap (draw a o) (draw a o)) with (fun o : Outcome => 0 * (fun _ => 0) o).
      rewrite expect_scal. ring.
      apply functional_extensionality. intros o. unfold square_gap. ring.
  - apply functional_extensionality. intros o. unfold batch_moments.
    rewrite code_theorem_1 by (apply ones_nonneg || (rewrite ones_weight; auto)).
    rewrite ones_weight. unfold Rdiv. rewrite Rmult_comm. f_equal.
    unfold pairs. apply bsum_ext. intros a _. apply bsum_ext. intros b _. unfold square_gap, ones. ring. Qed.

Lemma batch_without_self_pairs : (2 <= B)%nat ->
  expect (fun o => without_self_pairs (error_variance (batch_moments o)) (/ INR B)) = v.
Proof. intros H2. apply le_INR in H2. simpl in H2.
  replace (fun o => without_self_pairs (error_variance (batch_moments o)) (/ INR B))
    with (fun o => / (1 - / INR B) * error_variance (batch_moments o)).
  - rewrite expect_scal, batch_by_pairs. field. lra.
  - apply functional_extensionality. intros o. unfold without_self_pairs, Rdiv. ring. Qed.
End Draws.

Section Statements.
Variable Outcome : Type.
Variable expect : (Outcome -> R) -> R.
Hypothesis expect_plus : forall g h, expect (fun o => g o + h o) = expect g + expect h.
Hypothesis expect_scal : forall c g, expect (fun o => c * g o) = c * expect g.
Variables B N : nat.
Hypothesis batch_nonempty : (0 < B)%nat.
Variable draw : nat -> Outcome -> nat.
Variables f y conventional : nat -> R.
Variable s : Shifts.
Let batch := batch_moments Outcome B draw f y conventional s.
Let all := all_moments N f y conventional s.

(* A pair of different draws is any pair of samples; or any pair of different samples. *)
Definition with_replacement := forall a b, (a < B)%nat -> (b < B)%nat -> a <> b -> forall g : nat -> nat -> R,
  expect (fun o => g (draw a o) (draw b o)) = pairs N ones g / INR N ^ 2.
Definition without_replacement := forall a b, (a < B)%nat -> (b < B)%nat -> a <> b -> forall g : nat -> nat -> R,
  expect (fun o => g (draw a o) (draw b o)) = distinct N ones g / (INR N * (INR N - 1)).

Theorem batch_with_replacement : (0 < N)%nat -> with_replacement ->
  expect (fun o => error_variance (batch o)) = (INR B - 1) / INR B * error_variance all
  /\ ((2 <= B)%nat -> expect (fun o => without_self_pairs (error_variance (batch o)) (/ INR B))
        = error_variance all).
Proof. intros HN U. pose proof (lt_0_INR N HN) as NR.
  assert (E : forall a b, (a < B)%nat -> (b < B)%nat -> a <> b ->
    expect (fun o => / 2 * ((f (draw a o) - f (draw b o)) - (y (draw a o) - y (draw b o))) ^ 2)
    = error_variance all).
  { intros a b Ha Hb D. rewrite (U a b Ha Hb D (fun i j => / 2 * ((f i - f j) - (y i - y j)) ^ 2)).
    unfold all, all_moments. rewrite code_theorem_1 by (apply ones_nonneg || (rewrite ones_weight; auto)).
    rewrite ones_weight. reflexivity. }
  split; [|intros H2].
  - apply (batch_by_pairs Outcome expect expect_plus expect_scal B batch_nonempty draw f y conventional s); auto.
  - apply (batch_without_self_pairs Outcome expect expect_plus expect_scal B batch_nonempty draw f y conventional s); auto.
Qed.

Theorem batch_without_replacement : (2 <= N)%nat -> without_replacement ->
  expect (fun o => error_variance (batch o))
    = (INR B - 1) / INR B * (INR N / (INR N - 1) * error_variance all)
  /\ ((2 <= B)%nat -> expect (fun o => without_self_pairs (error_variance (batch o)) (/ INR B))
        = without_self_pairs (error_variance all) (/ INR N)).
Proof. intros HN U. pose proof (le_INR 2 N HN) as NR. simpl in NR.
  assert (PN : 0 < W N ones) by (rewrite ones_weight; lra).
  assert (E : forall a b, (a < B)%nat -> (b < B)%nat -> a <> b ->
    expect (fun o => / 2 * ((f (draw a o) - f (draw b o)) - (y (draw a o) - y (draw b o))) ^ 2)
    = without_self_pairs (error_variance all) (/ INR N)).
  { intros a b Ha Hb D. rewrite (U a b Ha Hb D (fun i j => / 2 * ((f i - f j) - (y i - y j)) ^ 2)).
    rewrite <- ones_distinct.
    rewrite (code_without_self_pairs N ones (ones_nonneg N) PN f y conventional s).
    - unfold all, all_moments. f_equal. rewrite ones_squares, ones_weight. field. lra.
    - rewrite ones_distinct. apply Rmult_lt_0_compat; lra. }
  split; [|intros H2].
  - unfold batch. rewrite (batch_by_pairs Outcome expect expect_plus expect_scal B batch_nonempty draw f y conventional s
      (without_self_pairs (error_variance all) (/ INR N))); auto.
    unfold without_self_pairs. field. repeat split; try lra. apply Rgt_not_eq, lt_0_INR; auto.
  - apply (batch_without_self_pairs Outcome expect expect_plus expect_scal B batch_nonempty draw f y conventional s); auto.
Qed.
End Statements.

(* Such draws exist: two of them, with and without replacement. *)
Definition drawn (a : nat) (o : nat * nat) := match a with O => fst o | _ => snd o end.
Lemma pairs_swapped N w g : pairs N w g = pairs N w (fun i j => g j i).
Proof. unfold pairs. rewrite bsum_swap. apply bsum_ext; intros; apply bsum_ext; intros; ring. Qed.
Theorem draws_exist N :
  with_replacement (nat * nat) (fun g => pairs N ones (fun i j => g (i, j)) / INR N ^ 2) 2 N drawn
  /\ without_replacement (nat * nat)
      (fun g => distinct N ones (fun i j => g (i, j)) / (INR N * (INR N - 1))) 2 N drawn.
Proof. split; intros a b Ha Hb D g; unfold drawn;
    (destruct a as [|[|a]]; [| |lia]; (destruct b as [|[|b]]; [| |lia]); try lia; simpl; auto); f_equal.
  - rewrite pairs_swapped. reflexivity.
  - unfold distinct. rewrite pairs_swapped. apply pairs_ext. intros i j _ _.
    destruct (Nat.eqb_spec i j), (Nat.eqb_spec j i); subst; auto; tauto. Qed.
